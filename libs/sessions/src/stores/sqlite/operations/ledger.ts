import type { DatabaseSync } from 'node:sqlite';
import { END_REASONS, type EndReason } from '../../../domain/session.js';
import type { StoreIdentity, StoreTotals } from '../../../ports/session-store.js';
import { numberOf, oneOf, textOf, type Row } from './values.js';

/** How an operation changes what is held, and what was let go, of one type. */
export interface TypeChange {
  readonly active?: number;
  readonly activeBytes?: number;
  readonly released?: number;
  readonly releasedBytes?: number;
  readonly evicted?: number;
}

/** The store's own row: its counter of changes, and the totals, kept within the transactions that change them. */
export class SqliteLedger {
  readonly #store;
  readonly #admit;
  readonly #stamp;
  readonly #see;
  readonly #beginEnd;
  readonly #countEnded;
  readonly #finishEnd;
  readonly #addType;
  readonly #types;
  readonly #ended;

  constructor(db: DatabaseSync) {
    this.#store = db.prepare('SELECT * FROM store');
    this.#admit = db.prepare(`
      UPDATE store SET counter = counter + 1, created = created + 1, open = open + 1, seen_at = max(ifnull(seen_at, :at), :at)
      WHERE open < :maxSessions RETURNING counter`);
    this.#stamp = db.prepare('UPDATE store SET counter = counter + 1 RETURNING counter');
    this.#see = db.prepare('UPDATE store SET seen_at = max(ifnull(seen_at, :at), :at)');
    this.#beginEnd = db.prepare(
      'UPDATE store SET open = open - 1, ending = ending + 1, ended_duration_ms = ended_duration_ms + :durationMs',
    );
    this.#countEnded = db.prepare(`
      INSERT INTO ended_totals (reason, sessions) VALUES (:reason, 1)
      ON CONFLICT (reason) DO UPDATE SET sessions = sessions + 1`);
    this.#finishEnd = db.prepare('UPDATE store SET ending = ending - 1');
    this.#addType = db.prepare(`
      INSERT INTO type_totals (type, active, active_bytes, released, released_bytes, evicted)
      VALUES (:type, :active, :activeBytes, :released, :releasedBytes, :evicted)
      ON CONFLICT (type) DO UPDATE SET
        active = active + excluded.active,
        active_bytes = active_bytes + excluded.active_bytes,
        released = released + excluded.released,
        released_bytes = released_bytes + excluded.released_bytes,
        evicted = evicted + excluded.evicted`);
    this.#types = db.prepare('SELECT * FROM type_totals ORDER BY type');
    this.#ended = db.prepare('SELECT * FROM ended_totals');
  }

  identity(): StoreIdentity {
    const row = this.row();
    return { generation: textOf(row, 'generation'), counter: numberOf(row, 'counter') };
  }

  /** The store's row; it is there from the first migration on. */
  row(): Row {
    const row = this.#store.get();
    if (row === undefined) throw new TypeError('The store has lost its own row');
    return row;
  }

  /** Counts one more open session; its change, or `null` where there are `maxSessions` already. */
  admit(at: number, maxSessions: number): number | null {
    const row = this.#admit.get({ at, maxSessions });
    return row === undefined ? null : numberOf(row, 'counter');
  }

  /** The number of a new change. */
  stamp(): number {
    const row = this.#stamp.get();
    if (row === undefined) throw new TypeError('The store has lost its own row');
    return numberOf(row, 'counter');
  }

  /** Keeps the newest instant that the store has seen: it tells a wall clock that was set back. */
  see(at: number): void {
    this.#see.run({ at });
  }

  countBeginEnd(reason: EndReason, durationMs: number): void {
    this.#beginEnd.run({ durationMs });
    this.#countEnded.run({ reason });
  }

  countFinishEnd(): void {
    this.#finishEnd.run();
  }

  countType(type: string, change: TypeChange): void {
    this.#addType.run({
      type,
      active: change.active ?? 0,
      activeBytes: change.activeBytes ?? 0,
      released: change.released ?? 0,
      releasedBytes: change.releasedBytes ?? 0,
      evicted: change.evicted ?? 0,
    });
  }

  totals(): StoreTotals {
    const row = this.row();
    const ended = { idle: 0, expired: 0, ended: 0, admin: 0, evicted: 0 };
    for (const counted of this.#ended.all()) {
      ended[oneOf(counted, 'reason', END_REASONS)] = numberOf(counted, 'sessions');
    }
    return {
      created: numberOf(row, 'created'),
      open: numberOf(row, 'open'),
      ending: numberOf(row, 'ending'),
      ended,
      endedDurationMs: numberOf(row, 'ended_duration_ms'),
      types: this.#types.all().map((type) => ({
        type: textOf(type, 'type'),
        active: numberOf(type, 'active'),
        activeBytes: numberOf(type, 'active_bytes'),
        released: numberOf(type, 'released'),
        releasedBytes: numberOf(type, 'released_bytes'),
        evicted: numberOf(type, 'evicted'),
      })),
    };
  }
}
