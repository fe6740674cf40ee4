import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { APPLICATION_ID, MIGRATIONS } from '#sessions/stores/sqlite/operations/migrations';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { beat, lease, NODE, NOW, OTHER_PROCESS, OTHER_NODE } from '#sessions/testing/store/store.fixtures';

const OPEN = '11111111-1111-4111-8111-111111111111';
const ENDING = '22222222-2222-4222-8222-222222222222';

let folder: string;
let store: SqliteSessionStore;

/** A database of the first version, with an open session and one whose end nobody finished: each with a file and a stream. */
function makeFirstVersion(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(MIGRATIONS[0] ?? '');
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`);
  db.exec("INSERT INTO store (one, generation, counter, open, ending) VALUES (1, 'generation', 2, 1, 1)");
  const session = db.prepare(`
    INSERT INTO sessions (key, id, token_hash, state, end_reason, leased_until, change, ip_address, user_agent,
      created_at, last_activity_at, expires_at, idle_ms, resource_count, bytes_used)
    VALUES (:key, :id, :id, :state, :reason, :lease, :key, '192.0.2.1', 'old', ${NOW}, ${NOW}, ${NOW + 1000}, 1000, 2, 5)`);
  const resource = db.prepare(`
    INSERT INTO resources (id, session_key, type, size_bytes, state, settled, created_at, last_used_at)
    VALUES (randomblob(16), :key, :type, :bytes, 'ready', 1, ${NOW}, ${NOW})`);
  const sessions = [
    { key: 1, id: OPEN, state: 'open', reason: null, lease: null },
    { key: 2, id: ENDING, state: 'ending', reason: 'idle', lease: NOW },
  ];
  for (const one of sessions) {
    session.run({ ...one, id: Buffer.from(one.id.replaceAll('-', ''), 'hex') });
    resource.run({ key: one.key, type: 'audio_file', bytes: 5 });
    resource.run({ key: one.key, type: 'stream', bytes: 0 });
  }
  db.close();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  const path = join(folder, 'sessions.db');
  makeFirstVersion(path);
  store = new SqliteSessionStore({ path });
  await store.connect();
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

describe('A database of the time before there were nodes', () => {
  it('gives its files to the first node that comes, and its streams to none', async () => {
    await store.heartbeat(beat({}));
    await store.heartbeat(beat({ processId: OTHER_PROCESS, nodeId: OTHER_NODE }));
    const held = await store.listResources([OPEN]);
    expect(Object.fromEntries(held.map(({ type, nodeId, freed }) => [type, { nodeId, freed }]))).toEqual({
      audio_file: { nodeId: NODE, freed: false },
      stream: { nodeId: null, freed: false },
    });
    expect((await store.listNodes()).map(({ resources }) => resources)).toEqual([2, 0]);
  });

  it('has its unfinished ends finished, with their files', async () => {
    await store.heartbeat(beat({}));
    const claim = { at: NOW, lease: lease(), limit: 10 };
    const [claimed, ...others] = await store.leaseEnding(claim);
    expect(others).toEqual([]);
    expect(claimed).toMatchObject({ id: ENDING, hasFiles: true });
    expect(await store.finishEnd(ENDING, NODE, NOW)).toEqual({ resources: 2, bytes: 5 });
    expect((await store.find(ENDING))?.state).toBe('ended');
    expect(await store.leaseEnding({ ...claim, at: NOW * 2 })).toEqual([]);
  });

  it('ends its open sessions with their files', async () => {
    await store.heartbeat(beat({}));
    const ending = await store.beginEnd(OPEN, { reason: 'admin', at: NOW, lease: lease() });
    expect(ending?.hasFiles).toBe(true);
    await store.finishEnd(OPEN, NODE, NOW);
    expect(await store.find(OPEN)).toMatchObject({ state: 'ended', resourceCount: 0, bytesUsed: 0 });
  });
});
