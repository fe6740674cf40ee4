import type { DatabaseSync } from 'node:sqlite';
import type { ClockAnchor, ClockDoubt, ClockGroup, ClockReading, ClockState } from '../../../ports/clock.js';
import { LEASE_MS } from '../../../ports/endings.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import type { SqliteLedger } from './record/ledger.js';
import { TOMBSTONE_ENDS_AT } from '../database/journal.schema.js';
import { numberOf, numberOrNull, textOf } from '../database/values.js';

/** Anchors kept of earlier boots and other time namespaces. */
const MOST_ANCHORS = 16;

export class SqliteClock implements InOneThread<ClockGroup> {
  readonly #find;
  readonly #insert;
  readonly #dropOld;
  readonly #dropAll;
  readonly #note;
  readonly #doubt;
  readonly #trust;
  readonly #forget;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#find = db.prepare('SELECT * FROM clock_anchors WHERE boot_id = :bootId');
    this.#insert = db.prepare(`
      INSERT INTO clock_anchors (boot_id, wall_ms, monotonic_ms, last_seen_at, wall_offset_ms)
      SELECT :bootId, :wallMs, :monotonicMs, seen_at, :wallMs - :monotonicMs FROM store`);
    this.#dropOld = db.prepare(`
      DELETE FROM clock_anchors WHERE rowid <= (SELECT max(rowid) - ${MOST_ANCHORS} FROM clock_anchors)`);
    this.#dropAll = db.prepare('DELETE FROM clock_anchors');
    this.#note = db.prepare(
      'UPDATE clock_anchors SET wall_offset_ms = :wallOffsetMs WHERE boot_id = :bootId',
    );
    this.#doubt = db.prepare(
      'UPDATE store SET clock_doubted_until = max(ifnull(clock_doubted_until, :until), :until)',
    );
    this.#trust = db.prepare(
      'UPDATE store SET clock_edition = clock_edition + 1, clock_doubted_until = NULL, seen_at = :at',
    );
    this.#forget = FORGET_SQL.map((sql) => db.prepare(sql));
  }

  anchor(reading: ClockReading): ClockAnchor {
    const known = this.#find.get({ bootId: reading.bootId });
    if (known === undefined) {
      this.#insert.run({ ...reading });
      this.#dropOld.run();
    }
    const row = known ?? this.#find.get({ bootId: reading.bootId }) ?? {};
    return {
      wallMs: numberOf(row, 'wall_ms'),
      monotonicMs: numberOf(row, 'monotonic_ms'),
      bootId: textOf(row, 'boot_id'),
      lastSeenAt: numberOrNull(row, 'last_seen_at'),
      wallOffsetMs: numberOf(row, 'wall_offset_ms'),
      edition: this.read().edition,
    };
  }

  read(): ClockState {
    const row = this.ledger.row();
    return {
      edition: numberOf(row, 'clock_edition'),
      doubtedUntil: numberOrNull(row, 'clock_doubted_until'),
      ownTimeMs: null,
    };
  }

  doubt({ until, bootId, wallOffsetMs }: ClockDoubt): void {
    this.#doubt.run({ until });
    this.#note.run({ bootId, wallOffsetMs });
  }

  trust(reading: ClockReading): ClockAnchor {
    const at = Math.floor(reading.wallMs);
    this.forgetAfter(at);
    // The store has now seen that instant, even if no process was alive for days.
    this.#trust.run({ at });
    this.#dropAll.run();
    return this.anchor(reading);
  }

  forgetAfter(at: number): void {
    for (const statement of this.#forget) statement.run({ at });
  }
}

const LATEST_LEASE = `:at + ${LEASE_MS}`;

const FORGET_SQL = [
  'UPDATE store SET seen_at = :at WHERE seen_at > :at',
  // A tombstone is kept as long after `at` as it would have been after its end.
  `UPDATE sessions SET kept_until = kept_until - (kept_from - :at), kept_from = :at
   WHERE key IN (
     SELECT key FROM sessions INDEXED BY sessions_tombstone WHERE state = 'ended' AND ${TOMBSTONE_ENDS_AT} > :at
     UNION SELECT session_key FROM ending_parts INDEXED BY ending_parts_lease)
   AND kept_from > :at`,
  `UPDATE sessions SET created_at = min(created_at, :at), last_activity_at = min(last_activity_at, :at),
     expires_at = min(expires_at, :at)
   WHERE key IN (
     SELECT key FROM sessions INDEXED BY sessions_created WHERE state = 'open' AND created_at > :at
     UNION SELECT key FROM sessions INDEXED BY sessions_activity WHERE state = 'open' AND last_activity_at > :at
     UNION SELECT key FROM sessions INDEXED BY sessions_tombstone WHERE state = 'ended' AND ${TOMBSTONE_ENDS_AT} > :at
       AND max(created_at, last_activity_at) > :at
     UNION SELECT session_key FROM ending_parts INDEXED BY ending_parts_lease)
   AND max(created_at, last_activity_at) > :at`,
  'UPDATE replaced_tokens SET replaced_at = :at WHERE replaced_at > :at',
  `UPDATE resources SET leased_until = :at WHERE key IN (
     SELECT key FROM resources INDEXED BY resources_releasing WHERE state = 'releasing' AND leased_until > ${LATEST_LEASE})`,
  'UPDATE resources SET overdrawn_at = :at WHERE overdrawn_at > :at',
  `UPDATE ending_parts SET leased_until = :at WHERE (session_key, node_id) IN (
     SELECT session_key, node_id FROM ending_parts INDEXED BY ending_parts_lease WHERE leased_until > ${LATEST_LEASE})`,
  'UPDATE processes SET at = min(at, :at), flushed_through_at = min(flushed_through_at, :at) WHERE at > :at OR flushed_through_at > :at',
  'UPDATE nodes SET last_seen_at = :at WHERE last_seen_at > :at',
  `UPDATE jobs SET started_at = min(started_at, :at), last_success_at = min(last_success_at, :at),
     next_run_at = min(next_run_at, :at)
   WHERE started_at > :at OR last_success_at > :at`,
];
