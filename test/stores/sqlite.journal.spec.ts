import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ENTRY_OVERHEAD_BYTES, type JournalEntry } from '#sessions/domain/journal/entry';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import {
  append,
  CLIENT,
  HASH,
  mismatch,
  noted,
  notedLogin,
  requests,
} from '#sessions/testing/store/journal/journal.fixtures';
import { anEnd, DAY, HOUR, NODE, NOW } from '#sessions/testing/store/store.fixtures';

let folder: string;
let path: string;
let store: SqliteSessionStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  path = join(folder, 'sessions.db');
  store = new SqliteSessionStore({ path });
  await store.connect();
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** What a query answers that looks at the file beside the store. */
function select(sql: string): unknown[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    db.close();
  }
}

const HELD = `
  SELECT (SELECT total(octet_length(text) + ${ENTRY_OVERHEAD_BYTES} * json_array_length(text)) FROM journal) AS journal,
    (SELECT total(octet_length(text) + ${ENTRY_OVERHEAD_BYTES}) FROM audit) AS audit`;
const KEPT = 'SELECT journal_bytes AS journal, audit_bytes AS audit FROM store';

describe('The journal in a database', () => {
  it('has one key for all connections, also after a restart; another database has another', async () => {
    const others = [
      new SqliteSessionStore({ path }),
      new SqliteSessionStore({ path: join(folder, 'other.db') }),
    ];
    await Promise.all(others.map((other) => other.connect()));
    const key = await store.journal.key();
    const [same, different] = await Promise.all(others.map((other) => other.journal.key()));
    await Promise.all(others.map((other) => other.close()));
    expect([same === key, different === key]).toEqual([true, false]);
    await store.close();
    store = new SqliteSessionStore({ path });
    await store.connect();
    expect(await store.journal.key()).toBe(key);
  });

  it('has one row for the requests of a session that came in one call', async () => {
    const session = await noted(store);
    await append(store, session, requests(10));
    await append(store, session, [...requests(3), mismatch(NOW), mismatch(NOW), ...requests(2)]);
    expect(select('SELECT class, count FROM journal ORDER BY key')).toEqual([
      { class: 0, count: 1 },
      { class: 2, count: 10 },
      { class: 2, count: 3 },
      { class: 1, count: 2 },
      { class: 2, count: 2 },
    ]);
  });

  it('keeps the total of its bytes, whatever adds and drops entries', async () => {
    const sessions = await Promise.all([noted(store), noted(store), noted(store)]);
    for (const session of sessions) {
      await append(store, session, [...requests(450, NOW, '/ñ🦊'), ...requests(7, NOW + 100)]);
      await append(
        store,
        session,
        Array.from({ length: 120 }, (_, index): JournalEntry => mismatch(NOW + index)),
      );
      await notedLogin(store, session);
    }
    for (const [index, { id }] of sessions.slice(1).entries()) {
      await store.endings.beginEnd(id, anEnd({ note: { by: { kind: 'admin', keyId: '00000000' } } }));
      if (index === 0) await store.endings.finishEnd(id, NODE, NOW);
    }
    const filled = select(HELD);
    expect(select(KEPT)).toEqual(filled);
    await store.journal.prune(150_000, 100);
    await store.endings.dropTombstones(NOW + HOUR, 1);
    expect(await store.journal.forgetUser(HASH, 1)).toBe(1);
    await store.audit.prune(NOW + DAY);
    expect(select(KEPT)).toEqual(select(HELD));
    expect(select(KEPT)).not.toEqual(filled);
    await store.journal.prune(0, 10_000);
    expect(select(KEPT)).toEqual([{ journal: 0, audit: 0 }]);
  });

  it('is kept as long after an instant to which the clock is set back as it would have been', async () => {
    const sessions = [await noted(store), await noted(store), await noted(store)];
    const end = { at: NOW + 30 * DAY, note: { by: CLIENT } };
    for (const { id } of sessions) {
      await store.endings.beginEnd(id, anEnd({ ...end, keptUntil: end.at + 2 * HOUR }));
    }
    await Promise.all(sessions.slice(1).map(({ id }) => store.endings.finishEnd(id, NODE, NOW)));
    for (const _ of [1, 2]) await store.clock.forgetAfter(NOW + 1);
    await store.endings.finishEnd(sessions[0]?.id ?? '', NODE, NOW);
    expect(await store.endings.dropTombstones(NOW + 2 * HOUR, 10)).toBe(0);
    expect(await store.endings.dropTombstones(NOW + 1 + 2 * HOUR, 10)).toBe(3);
  });
});
