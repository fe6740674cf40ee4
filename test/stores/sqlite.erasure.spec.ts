import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import {
  anEnd,
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
});
