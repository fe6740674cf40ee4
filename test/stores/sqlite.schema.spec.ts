import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FIRST_SCHEMA } from '#sessions/stores/sqlite/database/schema';
import { openDatabase } from '#sessions/stores/sqlite/database/sqlite.database';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { newSession, upTo } from '#sessions/testing/store/store.fixtures';

const STEP = 'ALTER TABLE sessions ADD COLUMN planted INTEGER NOT NULL DEFAULT 7';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  path = join(folder, 'sessions.db');
});

afterEach(() => rm(folder, { recursive: true }));

async function withStore<T>(work: (store: SqliteSessionStore) => Promise<T>): Promise<T> {
  const store = new SqliteSessionStore({ path });
  try {
    await store.connect();
    return await work(store);
  } finally {
    await store.close();
  }
}

function migrate(...steps: readonly string[]): unknown {
  const db = openDatabase({ path, mustExist: false, busyTimeoutMs: 1000, maxBytes: null }, steps);
  try {
    return db.prepare('PRAGMA user_version').get()?.['user_version'];
  } finally {
    db.close();
  }
}

describe('The schema of the database', () => {
  const session = newSession();

  it('is migrated once, and keeps its data', async () => {
    await withStore((store) => store.sessions.open(session, upTo(10)));
    expect(migrate(STEP)).toBe(FIRST_SCHEMA + 1);
    expect(migrate(STEP)).toBe(FIRST_SCHEMA + 1);
    const db = new DatabaseSync(path);
    expect(db.prepare('SELECT planted FROM sessions').all()).toEqual([{ planted: 7 }]);
    db.close();
  });

  it('of a newer version is refused and unchanged', async () => {
    await withStore((store) => store.sessions.open(session, upTo(10)));
    migrate(STEP);
    await expect(withStore((store) => store.sessions.find(session.id))).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('newer nest-sessions'),
    });
    expect(migrate(STEP)).toBe(FIRST_SCHEMA + 1);
  });

  it('of a version before the first release is refused with both numbers', async () => {
    await withStore((store) => store.sessions.open(session, upTo(10)));
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 3');
    db.close();
    await expect(withStore((store) => store.sessions.find(session.id))).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining(`has schema 3, but this nest-sessions needs ${FIRST_SCHEMA} or later`),
    });
  });
});
