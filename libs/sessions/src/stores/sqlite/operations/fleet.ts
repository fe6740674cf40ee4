import type { DatabaseSync } from 'node:sqlite';
import { CLEANUP_JOBS } from '../../../domain/events.js';
import type { ClockAnchor, ClockReading } from '../../../ports/clock.js';
import type { Heartbeat, JobRecord, JobRun } from '../../../ports/session-store.js';
import type { SqliteLedger } from './ledger.js';
import type { SqliteNodes } from './nodes.js';
import type { SqliteReleases } from './releases.js';
import { idOf, numberOf, numberOrNull, oneOf, packId, textOf, textOrNull, type Row } from './values.js';

const ROLES: readonly Heartbeat['role'][] = ['server', 'cli'];

/** The processes on this store, their clock, and what their cleanup jobs did. */
export class SqliteFleet {
  readonly #beat;
  readonly #processes;
  readonly #drop;
  readonly #voidUses;
  readonly #dropUses;
  readonly #held;
  readonly #anchor;
  readonly #run;
  readonly #jobs;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
    private readonly releases: SqliteReleases,
    private readonly nodes: SqliteNodes,
  ) {
    this.#beat = db.prepare(`
      INSERT INTO processes (id, role, at, flushed_through_at, node_id, address, sign)
      VALUES (:id, :role, :at, :flushedThroughAt, :node, :address, :sign)
      ON CONFLICT (id) DO UPDATE SET
        role = excluded.role,
        node_id = excluded.node_id,
        address = excluded.address,
        sign = excluded.sign,
        at = max(at, excluded.at),
        flushed_through_at = max(flushed_through_at, excluded.flushed_through_at)`);
    this.#processes = db.prepare('SELECT * FROM processes ORDER BY id');
    this.#drop = db.prepare('DELETE FROM processes WHERE id = :id AND at <= :silentSince');
    this.#voidUses = db.prepare(`
      UPDATE resources SET uses = resources.uses - dropped.count
      FROM (SELECT resource_key, count FROM uses WHERE process_id = :id) AS dropped
      WHERE resources.key = dropped.resource_key`);
    this.#dropUses = db.prepare('DELETE FROM uses WHERE process_id = :id');
    this.#held = db.prepare(
      "SELECT key, session_key, size_bytes FROM resources WHERE process_id = :id AND state <> 'releasing'",
    );
    this.#anchor = db.prepare(`
      UPDATE store SET anchor_wall_ms = :wallMs, anchor_monotonic_ms = :monotonicMs, anchor_boot_id = :bootId,
        anchor_last_seen_at = seen_at`);
    this.#run = db.prepare(RECORD_RUN_SQL);
    this.#jobs = db.prepare('SELECT * FROM jobs ORDER BY job');
  }

  anchorClock(reading: ClockReading): ClockAnchor {
    if (this.ledger.row()['anchor_boot_id'] !== reading.bootId) {
      const { wallMs, monotonicMs, bootId } = reading;
      this.#anchor.run({ wallMs, monotonicMs, bootId });
    }
    const row = this.ledger.row();
    return {
      wallMs: numberOf(row, 'anchor_wall_ms'),
      monotonicMs: numberOf(row, 'anchor_monotonic_ms'),
      bootId: textOf(row, 'anchor_boot_id'),
      lastSeenAt: numberOrNull(row, 'anchor_last_seen_at'),
    };
  }

  heartbeat(beat: Heartbeat): void {
    const { processId, nodeId, ...rest } = beat;
    this.#beat.run({ id: packId(processId), node: packId(nodeId), ...rest });
    this.nodes.see(beat);
    this.ledger.see(beat.at);
  }

  listProcesses(): Heartbeat[] {
    return this.#processes.all().map((row) => ({
      processId: idOf(row, 'id'),
      role: oneOf(row, 'role', ROLES),
      at: numberOf(row, 'at'),
      flushedThroughAt: numberOf(row, 'flushed_through_at'),
      nodeId: idOf(row, 'node_id'),
      address: textOrNull(row, 'address'),
      sign: textOrNull(row, 'sign'),
    }));
  }

  dropProcess(processId: string, silentSince: number): boolean {
    const id = packId(processId);
    if (this.#drop.run({ id, silentSince }).changes === 0) return false;
    this.#voidUses.run({ id });
    this.#dropUses.run({ id });
    for (const row of this.#held.all({ id })) this.releases.leave(row);
    return true;
  }

  recordRun(run: JobRun): void {
    const { job, startedAt, durationMs, items, failures, nextRunAt, lastError } = run;
    this.#run.run({
      job,
      startedAt,
      durationMs,
      items,
      failures,
      nextRunAt,
      lastError,
      successAt: failures === 0 ? startedAt + durationMs : null,
    });
  }

  listRuns(): JobRecord[] {
    return this.#jobs.all().map(jobOf);
  }
}

const RECORD_RUN_SQL = `
  INSERT INTO jobs (job, started_at, duration_ms, items, failures, next_run_at, last_error,
    runs, total_items, total_failures, last_success_at)
  VALUES (:job, :startedAt, :durationMs, :items, :failures, :nextRunAt, :lastError, 1, :items, :failures, :successAt)
  ON CONFLICT (job) DO UPDATE SET
    started_at = excluded.started_at,
    duration_ms = excluded.duration_ms,
    items = excluded.items,
    failures = excluded.failures,
    next_run_at = excluded.next_run_at,
    last_error = excluded.last_error,
    runs = runs + 1,
    total_items = total_items + excluded.items,
    total_failures = total_failures + excluded.failures,
    last_success_at = ifnull(excluded.last_success_at, last_success_at)`;

function jobOf(row: Row): JobRecord {
  return {
    job: oneOf(row, 'job', CLEANUP_JOBS),
    startedAt: numberOf(row, 'started_at'),
    durationMs: numberOf(row, 'duration_ms'),
    items: numberOf(row, 'items'),
    failures: numberOf(row, 'failures'),
    nextRunAt: numberOrNull(row, 'next_run_at'),
    lastError: textOrNull(row, 'last_error'),
    runs: numberOf(row, 'runs'),
    totalItems: numberOf(row, 'total_items'),
    totalFailures: numberOf(row, 'total_failures'),
    lastSuccessAt: numberOrNull(row, 'last_success_at'),
  };
}
