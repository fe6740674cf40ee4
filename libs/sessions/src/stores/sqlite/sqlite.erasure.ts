import type { DatabaseSync } from 'node:sqlite';
import type { OperationName } from '../../ports/store/store-groups.js';
import { numberOf } from './database/values.js';
import type { Call } from './sqlite.messages.js';

/** Free pages are given back from this number and share on. */
const MANY_FREE_PAGES = 256;
const MANY_FREE_SHARE = 0.25;
/** Pages that one step gives back: a few milliseconds. */
const STEP_PAGES = 256;
/** A database without sessions is rewritten up to this size, in a few milliseconds. */
const SMALL_PAGES = 1024;
/** A database in which a user was forgotten is rewritten up to this size, which is in memory meanwhile: 64 MiB. */
const MOST_REWRITTEN_PAGES = 16_384;
/** After these the database may hold what must go. A cleanup drops tombstones last. */
const ERASED_AFTER: ReadonlySet<OperationName> = new Set(['endings.dropTombstones', 'journal.forgetUser']);

/**
 * Erases what deleted rows leave: `secure_delete` overwrites them in the file, but the write-ahead log and the unused parts
 * of pages may still have them. After each cleanup it cuts the log, gives free pages back if there are many, and rewrites a
 * database that no session is in; after a user was forgotten too, and then rewrites any database but a large one. It works in steps,
 * so that calls wait for one at most. It waits for no lock: what another process prevents, the next cleanup does, of any process.
 */
export class SqliteErasure {
  isDue = false;
  #rewrittenAt: number | null = null;

  constructor(
    private readonly db: DatabaseSync,
    private readonly busyTimeoutMs: number,
  ) {}

  note(calls: readonly Call[]): void {
    if (calls.some(({ name }) => ERASED_AFTER.has(name))) this.isDue = true;
  }

  step(): void {
    this.isDue = false;
    this.db.exec('PRAGMA busy_timeout = 0');
    try {
      if (this.#hasManyFreePages()) {
        this.db.exec(`PRAGMA incremental_vacuum(${STEP_PAGES})`);
        this.isDue = true;
        return;
      }
      this.#rewriteIfDue();
      this.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // A lock of another process, or a full disk: the next cleanup tries again.
      this.isDue = false;
    } finally {
      this.db.exec(`PRAGMA busy_timeout = ${this.busyTimeoutMs}`);
    }
  }

  #hasManyFreePages(): boolean {
    const free = this.#pragma('freelist_count');
    return free >= MANY_FREE_PAGES && free >= this.#pragma('page_count') * MANY_FREE_SHARE;
  }

  #rewriteIfDue(): void {
    const store =
      this.db.prepare('SELECT counter, open + ending AS live, rewrite_due FROM store').get() ?? {};
    const counter = numberOf(store, 'counter');
    const due = numberOf(store, 'rewrite_due');
    const isEmpty = numberOf(store, 'live') === 0 && counter !== this.#rewrittenAt;
    const pages = this.#pragma('page_count');
    if (!(due > 0 && pages <= MOST_REWRITTEN_PAGES) && !(isEmpty && pages <= SMALL_PAGES)) return;
    this.db.exec('VACUUM');
    this.#rewrittenAt = counter;
    // Another process may have forgotten somebody since.
    if (due > 0) this.db.exec(`UPDATE store SET rewrite_due = 0 WHERE rewrite_due = ${due}`);
  }

  #pragma(name: string): number {
    return numberOf(this.db.prepare(`PRAGMA ${name}`).get() ?? {}, name);
  }
}
