import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '#sessions/stores/sqlite/database/sqlite.database';
import { sqliteOperations } from '#sessions/stores/sqlite/sqlite.operations';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { append, CLIENT, requests } from '#sessions/testing/store/journal/journal.fixtures';
import {
  anEnd,
  DAY,
  HOUR,
  LIMITS,
  MANY,
  newResource,
  newSession,
  NODE,
  NOW,
  tokenHash,
} from '#sessions/testing/store/store.fixtures';
import { eventually } from '../support/eventually.js';

const SESSIONS = 300;
const FILES = 5;
const TRACES = [
  'user-of-the-house',
  '198.51.100.',
  'Agent of the house',
  'diary-of-the-house',
  'data of the house',
];

const USERS = 300;
const FORGOTTEN = 'forgotten-one';

describe('What ended sessions leave in the database and its log', () => {
  let folder: string;
  let store: SqliteSessionStore;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nest-sessions-'));
    store = new SqliteSessionStore({ path: join(folder, 'sessions.db') });
    await store.connect();
  });

  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  function traces(): string[] {
    return ['sessions.db', 'sessions.db-wal'].flatMap((name) => {
      const path = join(folder, name);
      const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
      return TRACES.filter((trace) => bytes.includes(trace)).map((trace) => `${trace} in ${name}`);
    });
  }

  async function fillAndEnd(index: number): Promise<void> {
    const session = newSession({
      ipAddress: `198.51.100.${index % 256}`,
      userAgent: `Agent of the house ${index}`,
    });
    await store.sessions.open(session, MANY);
    const token = { tokenHash: tokenHash(session.id), at: NOW };
    await store.sessions.login(session.id, null, { ...token, userId: `user-of-the-house-${index}` });
    await store.data.write(session.id, null, {
      operation: randomBytes(12).toString('base64url'),
      at: NOW,
      changes: [{ key: 'diary', json: `"data of the house ${index}"` }],
      limits: { maxBytes: 100, maxKeys: 1 },
    });
    for (let count = 0; count < FILES; count += 1) {
      await store.resources.reserve(
        newResource(session.id, { fileName: `diary-of-the-house-${index}-${count}`, sizeBytes: 0 }),
        null,
        LIMITS,
      );
    }
    await store.endings.beginEnd(session.id, anEnd());
    await store.endings.finishEnd(session.id, NODE, NOW);
  }

  it('is neither a user nor an address, agent, file name or data, after the next cleanup', async () => {
    const ends = Array.from({ length: SESSIONS }, (_, index) => fillAndEnd(index));
    await Promise.all(ends);
    expect(traces().length).toBeGreaterThan(0);
    // The tombstones stay, and keep none of it.
    expect(await store.endings.dropTombstones(NOW, 1000)).toBe(0);
    await eventually('the traces are erased', async () => traces().length === 0, 5000);
    expect(await store.endings.dropTombstones(NOW + 2 * HOUR, 1000)).toBe(SESSIONS);
    await eventually('the traces are erased', async () => traces().length === 0, 5000);
  });

  /** Opens a session of a user with a timeline. */
  async function journal(name: string, isOver: boolean): Promise<void> {
    const session = newSession();
    await store.sessions.open(session, MANY, { by: CLIENT });
    const note = { by: CLIENT, userHash: hashOf(name) };
    await store.sessions.login(session.id, null, {
      tokenHash: tokenHash(session.id),
      at: NOW,
      userId: name,
      note,
    });
    await append(store, session, requests(20, NOW, `/routes/of-${name}`));
    await append(store, session, requests(390, NOW + 1000, `/routes/of-${name}/later`));
    if (!isOver) return;
    await store.endings.beginEnd(session.id, anEnd({ note: { by: CLIENT }, keptUntil: NOW + DAY }));
    await store.endings.finishEnd(session.id, NODE, NOW);
  }

  /** Those of these texts that the database or its log has. */
  function tracesOf(texts: readonly string[]): string[] {
    const files = ['sessions.db', 'sessions.db-wal']
      .map((name) => join(folder, name))
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path));
    return texts.filter((text) => files.some((bytes) => bytes.includes(text)));
  }

  it('is neither the hash of a user who was forgotten nor a route of theirs, while others live', async () => {
    const traces = [FORGOTTEN, hashOf(FORGOTTEN)];
    await Promise.all(
      Array.from({ length: USERS }, (_, index) =>
        journal(index % 3 === 0 ? FORGOTTEN : `the-other-one-${index}`, index % 5 !== 0),
      ),
    );
    expect(tracesOf(traces)).toEqual(traces);
    // Live sessions stay: the application ends them first.
    const filter = { userId: FORGOTTEN };
    const { sessions: live } = await store.sessions.list({ sort: 'created_at', limit: USERS, filter });
    expect(live.length).toBe(USERS / 15);
    for (const { id } of live) {
      await store.endings.beginEnd(id, anEnd());
      await store.endings.finishEnd(id, NODE, NOW);
    }
    let forgotten = 0;
    for (let more = 1; more > 0; forgotten += more)
      more = await store.journal.forgetUser(hashOf(FORGOTTEN), 30);
    expect(forgotten).toBe(USERS / 3);
    await eventually('the traces are erased', async () => tracesOf(traces).length === 0, 10_000);
    expect(tracesOf(['the-other-one'])).toEqual(['the-other-one']);
  });

  it('is erased by the next cleanup if the process that forgot a user died', async () => {
    await journal(FORGOTTEN, true);
    await journal('the-other-one', false);
    const options = { mustExist: true, busyTimeoutMs: 1000, maxBytes: null };
    const db = openDatabase({ path: join(folder, 'sessions.db'), ...options });
    // When rows move to other pages, `secure_delete` seldom but sometimes leaves some behind.
    db.exec('PRAGMA secure_delete = OFF');
    expect(sqliteOperations(db).journal.forgetUser(hashOf(FORGOTTEN), 10)).toBe(1);
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    db.close();
    const traces = [FORGOTTEN, hashOf(FORGOTTEN)];
    expect(tracesOf(traces)).toEqual(traces);
    await store.endings.dropTombstones(NOW, 10);
    await eventually('the traces are erased', async () => tracesOf(traces).length === 0, 10_000);
    expect(tracesOf(['the-other-one'])).toEqual(['the-other-one']);
  });
});

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}
