import type { DatabaseSync } from 'node:sqlite';
import {
  countRate,
  emptyAt,
  type RateCount,
  type RateEvent,
  type RateState,
} from '../../domain/rates/rate-count.js';
import type { RatesGroup } from '../../ports/rates.js';
import type { InOneThread } from '../../ports/store/store-groups.js';
import { textOf, type Row } from './database/values.js';

/** A count adds a row at most, so the rows of the past become fewer with each. */
const FORGOTTEN_EACH = 2;
/** Beyond the last instant that matters: clocks of processes differ. */
const KEPT_LONGER_MS = 60_000;

export class SqliteRates implements InOneThread<RatesGroup> {
  readonly #find;
  readonly #keep;
  readonly #forget;

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT state FROM rates WHERE key = :key');
    this.#keep = db.prepare(`
      INSERT INTO rates (key, state, empty_at) VALUES (:key, :state, :emptyAt)
      ON CONFLICT (key) DO UPDATE SET state = excluded.state, empty_at = excluded.empty_at`);
    this.#forget = db.prepare(`
      DELETE FROM rates WHERE key IN (
        SELECT key FROM rates WHERE empty_at <= :at ORDER BY empty_at LIMIT ${FORGOTTEN_EACH})`);
  }

  count(event: RateEvent): RateCount {
    const { key, at, windowMs } = event;
    this.#forget.run({ at: at - KEPT_LONGER_MS });
    const { count, changed } = countRate(stateOf(this.#find.get({ key })), event);
    if (changed !== null)
      this.#keep.run({ key, state: JSON.stringify(changed), emptyAt: emptyAt(changed, windowMs) });
    return count;
  }
}

function stateOf(row: Row | undefined): RateState | null {
  return row === undefined ? null : (JSON.parse(textOf(row, 'state')) as RateState);
}
