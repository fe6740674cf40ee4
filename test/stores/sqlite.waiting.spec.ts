import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { MANY, newResource, newSession, NOW, opened } from '#sessions/testing/store/store.fixtures';

const ROOMY = { maxResources: 1_000_000, maxBytes: 1_000_000, maxStreams: 10, onLimit: 'evict' } as const;

let folder: string;
let store: SqliteSessionStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  store = new SqliteSessionStore({ path: join(folder, 'sessions.db') });
  await store.connect();
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

describe('A token look-up and a read of the feed', () => {
  it('are answered before four long lists that were asked for earlier', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => opened(store)));
    for (const { id } of sessions) {
      const resources = Array.from({ length: 500 }, () => newResource(id, { fileName: 'x'.repeat(200) }));
      await Promise.all(resources.map((resource) => store.resources.reserve(resource, null, ROOMY)));
    }
    const { position } = await store.feed.read(null, 1);
    const order: string[] = [];
    const note = (name: string, answer: Promise<unknown>): Promise<unknown> =>
      answer.then(() => order.push(name));
    const ids = sessions.map(({ id }) => id);
    const lists = ['list 1', 'list 2', 'list 3', 'list 4'].map((name) =>
      note(name, store.resources.list(ids)),
    );
    await wait(0);
    const found = note('look-up', store.sessions.findByToken(sessions[0]?.tokenHash ?? ''));
    const read = note('feed', store.feed.read(position, 100));
    await Promise.all([...lists, found, read]);
    expect(order.slice(0, 2).toSorted()).toEqual(['feed', 'look-up']);
  });
});

describe('While another program holds the write lock', () => {
  let other: DatabaseSync;

  beforeEach(() => {
    other = new DatabaseSync(join(folder, 'sessions.db'));
    other.exec('BEGIN IMMEDIATE');
  });

  afterEach(() => other.close());

  it('each opening is refused about a second after it was asked for, also behind others', async () => {
    const refusedAfterMs = async (): Promise<number> => {
      const askedAt = performance.now();
      await expect(store.sessions.open(newSession(), MANY)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      });
      return performance.now() - askedAt;
    };
    const first = refusedAfterMs();
    await wait(600);
    const second = refusedAfterMs();
    for (const ms of [await first, await second]) {
      expect(ms).toBeGreaterThan(900);
      expect(ms).toBeLessThan(1600);
    }
  });

  it('a write of the background waits on while openings are refused, and is made when the lock is free', async () => {
    other.exec('ROLLBACK');
    const session = await opened(store);
    const resource = newResource(session.id, { type: 'stream' });
    await store.resources.reserve(resource, null, ROOMY);
    const processId = randomUUID();
    await store.resources.use(resource.id, null, processId, NOW);
    other.exec('BEGIN IMMEDIATE');
    const unused = store.resources.unuse(resource.id, processId, NOW);
    await expect(store.sessions.open(newSession(), MANY)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    other.exec('ROLLBACK');
    await unused;
    expect((await store.resources.find(resource.id))?.uses).toBe(0);
  });

  it('a read beside a waiting write is answered', async () => {
    other.exec('ROLLBACK');
    const session = await opened(store);
    other.exec('BEGIN IMMEDIATE');
    const refused = store.sessions.open(newSession(), MANY).catch((error: unknown) => error);
    // In the same turn of the event loop, so that it goes to the thread that writes.
    expect((await store.sessions.find(session.id))?.id).toBe(session.id);
    expect(await refused).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
