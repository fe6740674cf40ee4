import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { TrendPoint } from '#sessions/domain/trends/trend';
import type { OperationName } from '#sessions/ports/store/store-groups';
import { openDatabase } from '#sessions/stores/sqlite/database/sqlite.database';
import { SqliteBatch } from '#sessions/stores/sqlite/sqlite.batch';
import { sqliteOperations } from '#sessions/stores/sqlite/sqlite.operations';
import { beat, DAY, HOUR, MANY, newSession, NOW, PROCESS } from '#sessions/testing/store/store.fixtures';

const NEWEST = 1000;

describe('What a transaction counts', () => {
  let folder: string;
  let db: DatabaseSync;
  let operations: ReturnType<typeof sqliteOperations>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    const path = join(folder, 'sessions.db');
    db = openDatabase({ path, mustExist: false, busyTimeoutMs: 1000, maxBytes: null });
    operations = sqliteOperations(db);
  });

  afterEach(async () => {
    db.close();
    await rm(folder, { recursive: true });
  });

  /** Makes the calls in one transaction; answers which ones failed. */
  function together(...calls: readonly [OperationName, ...unknown[]][]): boolean[] {
    const batch = new SqliteBatch(db, operations, NEWEST);
    const replies = batch.run(calls.map(([name, ...args], id) => ({ id, name, args: JSON.stringify(args) })));
    return (replies ?? []).map((reply) => 'fault' in reply);
  }

  function days(): TrendPoint[] {
    return operations.trends.read({ span: 'day', from: 0, to: NOW + DAY });
  }

  function count(table: string): unknown {
    return db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'];
  }

  /** From now on `sessions.touch` opens a session, and fails then. */
  function failAfterCounting(error: () => Error): void {
    operations.sessions.touch = () => {
      operations.sessions.open(newSession(), MANY);
      throw error();
    };
  }

  const open = (): [OperationName, ...unknown[]] => ['sessions.open', newSession(), MANY];
  const add = (number: number): [OperationName, ...unknown[]] => [
    'trends.add',
    { processId: PROCESS, number, at: NOW, counts: { requests: 1 } },
  ];

  it('is one row for each span and name, however many calls raise it', () => {
    together(...Array.from({ length: 50 }, open));
    expect(days()).toMatchObject([{ counts: { opened: 50 } }]);
    expect(count('trends')).toBe(3);
  });

  it('is without what a call counted that is rolled back alone', () => {
    failAfterCounting(() => new TypeError('broken'));
    expect(together(open(), ['sessions.touch', []], open())).toEqual([false, true, false]);
    expect(days()).toMatchObject([{ counts: { opened: 2 } }]);
  });

  it('is forgotten if it is rolled back, and not written by the next one', () => {
    const full = (): Error => {
      db.exec('PRAGMA max_page_count = 1');
      const error: { value?: Error } = {};
      try {
        db.exec('CREATE TABLE filling AS SELECT zeroblob(10000000) AS zeros');
      } catch (caught) {
        error.value = caught as Error;
      }
      return error.value ?? new Error('The database is not full');
    };
    failAfterCounting(full);
    expect(together(open(), ['sessions.touch', []])).toEqual([true, true]);
    db.exec('PRAGMA max_page_count = 1000000');
    expect(days()).toEqual([]);
    together(open());
    expect(days()).toMatchObject([{ counts: { opened: 1 } }]);
    expect(operations.ledger.totals().created).toBe(1);
  });

  it('is nothing of a probe among other calls', () => {
    together(open(), ['sessions.probe'], open());
    expect(days()).toMatchObject([{ counts: { opened: 2 } }]);
  });

  it('is told from a repeat until the process is dropped, or 48 hours are over', () => {
    const numbers = (): unknown => count('trend_batches');
    together(['fleet.heartbeat', beat({})], add(1), add(1));
    expect([numbers(), days()[0]?.counts]).toEqual([1, { requests: 1 }]);
    together(['fleet.dropProcess', PROCESS, NOW]);
    expect(numbers()).toBe(0);
    // A process that was dropped already adds its last counts.
    together(add(2));
    together(['trends.prune', NOW + 48 * HOUR - 1]);
    expect(numbers()).toBe(1);
    together(['trends.prune', NOW + 48 * HOUR]);
    expect(numbers()).toBe(0);
  });
});
