import type { DatabaseSync } from 'node:sqlite';
import { concernsOneOperation, faultOf, isBusy, OUTDATED, type Fault } from './database/sqlite.errors.js';
import {
  isRead,
  kindOf,
  OPERATION_NAMES,
  operationOf,
  type OperationName,
} from '../../ports/store/store-groups.js';
import { numberOf } from './database/values.js';
import type { SqliteOperations } from './sqlite.operations.js';
import type { Call, Reply } from './sqlite.messages.js';

/**
 * Group commit: concurrent calls share one transaction and one wait for the disk. An operation that throws is rolled back
 * alone; if the transaction fails, all its writes fail and nothing is changed, but its reads are still answered.
 *
 * Each transaction but those of small reads looks whether a newer version has migrated the database, which costs a microsecond:
 * then it does nothing.
 */
export class SqliteBatch {
  /** Whether a newer version has migrated the database. */
  isOutdated = false;
  readonly #version;
  readonly #begin;
  readonly #beginReading;
  readonly #commit;
  readonly #savepoint;
  readonly #release;
  readonly #undo;
  readonly #anyRow;
  readonly #operations: ReadonlyMap<OperationName, (...args: unknown[]) => unknown>;
  readonly #networks: SqliteOperations['networks'];
  readonly #counted: SqliteOperations['counted'];

  constructor(
    private readonly db: DatabaseSync,
    operations: SqliteOperations,
    private readonly schema: number,
  ) {
    this.#version = db.prepare('PRAGMA user_version');
    this.#operations = new Map(OPERATION_NAMES.map((name) => [name, operationOf(operations, name)]));
    this.#networks = operations.networks;
    this.#counted = operations.counted;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#beginReading = db.prepare('BEGIN');
    this.#commit = db.prepare('COMMIT');
    this.#savepoint = db.prepare('SAVEPOINT operation');
    this.#release = db.prepare('RELEASE operation');
    this.#undo = db.prepare('ROLLBACK TO operation');
    this.#anyRow = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1');
  }

  /** `null` if another process holds the lock: nothing was done. */
  run(calls: readonly Call[]): Reply[] | null {
    const onlyReads = calls.every((call) => isRead(call.name));
    try {
      (onlyReads ? this.#beginReading : this.#begin).run();
      if (this.#mustStop(calls)) {
        this.#rollBack();
        return calls.map(({ id }) => ({ id, fault: OUTDATED }));
      }
      const replies = calls.map((call) => this.#answer(call));
      if (!onlyReads) {
        this.#networks?.beforeCommit();
        this.#counted?.beforeCommit();
      }
      this.#finish(onlyReads);
      if (!onlyReads) this.#markRead();
      return replies;
    } catch (error) {
      this.#rollBack();
      return isBusy(error) ? null : this.refuse(calls, faultOf(error));
    } finally {
      this.#networks?.afterTransaction();
      this.#counted?.afterTransaction();
    }
  }

  /** Refuses the writes of calls that failed, and answers the reads among them, if any. */
  refuse(calls: readonly Call[], fault: Fault): Reply[] {
    const reads = calls.filter(({ name }) => isRead(name));
    const isMixed = reads.length > 0 && reads.length < calls.length;
    const answered = isMixed ? this.run(reads) : null;
    const refused = answered === null ? calls : calls.filter(({ name }) => !isRead(name));
    return [...refused.map(({ id }) => ({ id, fault })), ...(answered ?? [])];
  }

  #mustStop(calls: readonly Call[]): boolean {
    if (calls.every(({ name }) => kindOf(name) === 'read')) return false;
    this.isOutdated = numberOf(this.#version.get() ?? {}, 'user_version') > this.schema;
    return this.isOutdated;
  }

  #answer(call: Call): Reply {
    const isWrite = !isRead(call.name);
    const mark = this.#counted?.mark() ?? 0;
    if (isWrite) this.#savepoint.run();
    try {
      const answer = JSON.stringify(this.#operations.get(call.name)?.(...JSON.parse(call.args)) ?? null);
      if (isWrite) this.#release.run();
      return { id: call.id, answer };
    } catch (error) {
      if (!concernsOneOperation(error)) throw error;
      if (isWrite) {
        this.#undo.run();
        this.#release.run();
        this.#counted?.undo(mark);
      }
      return { id: call.id, fault: faultOf(error) };
    }
  }

  /** What was read stands, even if SQLite refuses the commit because a page could not be. */
  #finish(onlyReads: boolean): void {
    try {
      this.#commit.run();
    } catch (error) {
      if (!onlyReads) throw error;
      this.#rollBack();
    }
  }

  /**
   * The first reader after a commit writes a mark to the shared memory, which is a file, and would hang on a hanging disk.
   * Reading here writes the mark at once, so that readers need not.
   */
  #markRead(): void {
    try {
      this.#anyRow.get();
    } catch {
      // The commit stands; the next reader writes the mark.
    }
  }

  #rollBack(): void {
    // SQLite rolls back by itself on some errors, such as a full disk.
    if (this.db.isTransaction) this.db.exec('ROLLBACK');
  }
}
