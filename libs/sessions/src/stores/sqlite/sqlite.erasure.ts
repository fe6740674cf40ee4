import type { DatabaseSync } from 'node:sqlite';
import { numberOf } from './database/values.js';
import type { Call } from './sqlite.messages.js';

/** Free pages are given back from this number and share on. */
const MANY_FREE_PAGES = 256;
const MANY_FREE_SHARE = 0.25;
/** Pages that one step gives back: a few milliseconds. */
const STEP_PAGES = 256;
/** A database without sessions is rewritten up to this size, in a few milliseconds. */
const SMALL_PAGES = 1024;

/**
 * Erases what deleted rows leave: `secure_delete` overwrites them in the file, but the write-ahead log and the unused parts
 * of pages may still have them. After each cleanup it cuts the log, gives free pages back if there are many, and rewrites a
 * database that no session is in. It works in steps, so that calls wait for one at most. It waits for no lock: what another
 * process prevents, the next cleanup does.
 */
export class SqliteErasure {
  isDue = false;
  #rewrittenAt: number | null = null;

  constructor(
    private readonly db: DatabaseSync,
    private readonly busyTimeoutMs: number,
  ) {}

  /** A cleanup drops tombstones last. */
  note(calls: readonly Call[]): void {
    if (calls.some(({ name }) => name === 'endings.dropTombstones')) this.isDue = true;
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
      this.#rewriteIfEmpty();
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

  #rewriteIfEmpty(): void {
    const store = this.db.prepare('SELECT counter, open + ending AS live FROM store').get() ?? {};
    const counter = numberOf(store, 'counter');
    if (numberOf(store, 'live') > 0 || counter === this.#rewrittenAt) return;
    if (this.#pragma('page_count') > SMALL_PAGES) return;
    this.db.exec('VACUUM');
    this.#rewrittenAt = counter;
  }

  #pragma(name: string): number {
    return numberOf(this.db.prepare(`PRAGMA ${name}`).get() ?? {}, name);
  }
}
