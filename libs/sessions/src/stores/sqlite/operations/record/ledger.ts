import type { DatabaseSync } from 'node:sqlite';
import { CLEANUP_JOBS } from '../../../../domain/events.js';
import { END_REASONS, noneEnded, type EndReason } from '../../../../domain/session.js';
import {
  MOST_FAILURES,
  type Failure,
  type JobRecord,
  type JobRun,
  type LedgerGroup,
  type StoreIdentity,
  type StoreTotals,
} from '../../../../ports/record/ledger.js';
import type { InOneThread } from '../../../../ports/store/store-groups.js';
import {
  numberOf,
  numberOrNull,
  oneOf,
  packId,
  textOf,
  textOrNull,
  type Row,
} from '../../database/values.js';

const LOST_ROW = 'Table `store` has no row: the session database is damaged.';

/** Additions to the totals of one resource type. */
export interface TypeChange {
  readonly active?: number;
  readonly activeBytes?: number;
  readonly released?: number;
  readonly releasedBytes?: number;
  readonly evicted?: number;
}

/** Also keeps the store's row, change counter and totals for the other groups, within their transactions. */
export class SqliteLedger implements InOneThread<LedgerGroup> {
  readonly #store;
  readonly #admit;
  readonly #stamp;
  readonly #rewrite;
  readonly #see;
  readonly #beginEnd;
  readonly #countEnded;
  readonly #finishEnd;
  readonly #addType;
  readonly #types;
  readonly #ended;
  readonly #run;
  readonly #jobs;
  readonly #trouble;
  readonly #noTrouble;
  readonly #forgetTroubles;
  readonly #noteFailure;
  readonly #forgetFailure;
  readonly #forgetFailures;
  readonly #failures;

  constructor(db: DatabaseSync) {
    this.#store = db.prepare('SELECT * FROM store');
    this.#admit = db.prepare(`
      UPDATE store SET counter = counter + 1, created = created + 1, open = open + 1, seen_at = max(ifnull(seen_at, :at), :at)
      WHERE open < :maxSessions RETURNING counter`);
    this.#stamp = db.prepare('UPDATE store SET counter = counter + 1 RETURNING counter');
    this.#rewrite = db.prepare('UPDATE store SET counter = counter');
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
    this.#run = db.prepare(RECORD_RUN_SQL);
    this.#jobs = db.prepare(JOBS_SQL);
    this.#trouble = db.prepare(TROUBLE_SQL);
    this.#noTrouble = db.prepare('DELETE FROM job_troubles WHERE job = :job AND process_id = :processId');
    this.#forgetTroubles = db.prepare('DELETE FROM job_troubles WHERE process_id = :processId');
    this.#noteFailure = db.prepare(NOTE_FAILURE_SQL);
    this.#forgetFailure = db.prepare('DELETE FROM failures WHERE node_id = :node AND item = :item');
    this.#forgetFailures = db.prepare('DELETE FROM failures WHERE node_id = :node');
    this.#failures = db.prepare('SELECT * FROM failures WHERE node_id = :node ORDER BY item');
  }

  identity(): StoreIdentity {
    const row = this.row();
    return { generation: textOf(row, 'generation'), counter: numberOf(row, 'counter') };
  }

  /** The store's row, which exists since the creation of the database. */
  row(): Row {
    const row = this.#store.get();
    if (row === undefined) throw new TypeError(LOST_ROW);
    return row;
  }

  /** Writes the store's row, and changes nothing. */
  rewrite(): void {
    this.#rewrite.run();
  }

  /** Counts one more open session; answers its change, or `null` if `maxSessions` are open. */
  admit(at: number, maxSessions: number): number | null {
    const row = this.#admit.get({ at, maxSessions });
    return row === undefined ? null : numberOf(row, 'counter');
  }

  /** Answers the number of a new change. */
  stamp(): number {
    const row = this.#stamp.get();
    if (row === undefined) throw new TypeError(LOST_ROW);
    return numberOf(row, 'counter');
  }

  /** Keeps the newest instant that the store has seen, which reveals a wall clock that was set back. */
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
    const ended = noneEnded();
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

  recordRun(run: JobRun): void {
    const { job, startedAt, durationMs, items, failures, succeeded, nextRunAt, lastError, waiting, found } =
      run;
    const processId = packId(run.processId);
    if (failures + waiting + found === 0) this.#noTrouble.run({ job, processId });
    else this.#trouble.run({ job, processId, failed: Number(failures + waiting > 0), waiting, found });
    this.#run.run({
      job,
      startedAt,
      durationMs,
      items,
      failures,
      nextRunAt,
      lastError,
      successAt: succeeded ? startedAt + durationMs : null,
    });
  }

  /** The process is gone: what it left is no longer its trouble. */
  forgetTroubles(processId: string): void {
    this.#forgetTroubles.run({ processId: packId(processId) });
  }

  listRuns(): JobRecord[] {
    return this.#jobs.all().map(jobOf);
  }

  noteFailures(nodeId: string, failures: readonly Failure[]): void {
    const node = packId(nodeId);
    for (const { item, tries, retryAt } of failures) this.#noteFailure.run({ node, item, tries, retryAt });
  }

  forgetFailures(nodeId: string, items: readonly string[]): void {
    const node = packId(nodeId);
    for (const item of items) this.#forgetFailure.run({ node, item });
  }

  /** The node is gone: nobody retries there. */
  forgetAllFailures(nodeId: string): void {
    this.#forgetFailures.run({ node: packId(nodeId) });
  }

  listFailures(nodeId: string): Failure[] {
    return this.#failures.all({ node: packId(nodeId) }).map((row) => ({
      item: textOf(row, 'item'),
      tries: numberOf(row, 'tries'),
      retryAt: numberOf(row, 'retry_at'),
    }));
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

const TROUBLE_SQL = `
  INSERT INTO job_troubles (job, process_id, failed_runs, waiting, found)
  VALUES (:job, :processId, :failed, :waiting, :found)
  ON CONFLICT (job, process_id) DO UPDATE SET
    failed_runs = iif(:failed, failed_runs + 1, 0), waiting = :waiting, found = :found`;

const NOTE_FAILURE_SQL = `
  INSERT INTO failures (node_id, item, tries, retry_at)
  SELECT :node, :item, :tries, :retryAt
  WHERE (SELECT count(*) FROM failures WHERE node_id = :node AND item <> :item) < ${MOST_FAILURES}
  ON CONFLICT (node_id, item) DO UPDATE SET tries = excluded.tries, retry_at = excluded.retry_at`;

const JOBS_SQL = `
  SELECT jobs.*, ifnull(max(failed_runs), 0) AS failed_runs, ifnull(max(waiting), 0) AS waiting,
    ifnull(max(found), 0) AS found
  FROM jobs LEFT JOIN job_troubles USING (job) GROUP BY jobs.job ORDER BY jobs.job`;

function jobOf(row: Row): JobRecord {
  return {
    job: oneOf(row, 'job', CLEANUP_JOBS),
    startedAt: numberOf(row, 'started_at'),
    durationMs: numberOf(row, 'duration_ms'),
    items: numberOf(row, 'items'),
    failures: numberOf(row, 'failures'),
    failedRuns: numberOf(row, 'failed_runs'),
    waiting: numberOf(row, 'waiting'),
    found: numberOf(row, 'found'),
    nextRunAt: numberOrNull(row, 'next_run_at'),
    lastError: textOrNull(row, 'last_error'),
    runs: numberOf(row, 'runs'),
    totalItems: numberOf(row, 'total_items'),
    totalFailures: numberOf(row, 'total_failures'),
    lastSuccessAt: numberOrNull(row, 'last_success_at'),
  };
}
