import type { CleanupJob } from '../domain/events.js';
import type { EndReason } from '../domain/session.js';

/** Who the store is, what it counted, and what the cleanup jobs did. */
export abstract class LedgerGroup {
  /** Who this store is, and how far its history has come. */
  abstract identity(): Promise<StoreIdentity>;

  /** Totals and gauges, kept up to date with each write: answering costs the same with one session or a million. */
  abstract totals(): Promise<StoreTotals>;

  /** Keeps the latest run of a cleanup job, and adds it to the job's totals. */
  abstract recordRun(run: JobRun): Promise<void>;

  abstract listRuns(): Promise<JobRecord[]>;
}

export interface StoreIdentity {
  /** UUID of this store's data: a new, empty store has another. */
  readonly generation: string;
  /** Only ever grows, with each change of a session: a store that was restored from a backup is behind. */
  readonly counter: number;
}

export interface JobRun {
  readonly job: CleanupJob;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly items: number;
  readonly failures: number;
  /** `null` where no next one is planned: a run by hand. */
  readonly nextRunAt: number | null;
  /** What failed, in one line without secrets. */
  readonly lastError: string | null;
}

/** The latest run, and the sums of all. */
export interface JobRecord extends JobRun {
  readonly runs: number;
  readonly totalItems: number;
  readonly totalFailures: number;
  /** When a run last went through without a failure; `null` if none did. */
  readonly lastSuccessAt: number | null;
}

export interface TypeTotals {
  readonly type: string;
  /** Held now, in any state. */
  readonly active: number;
  readonly activeBytes: number;
  /** Let go, whatever the reason; evictions are counted here too. */
  readonly released: number;
  readonly releasedBytes: number;
  readonly evicted: number;
}

export interface StoreTotals {
  readonly created: number;
  readonly open: number;
  /** Over, with files still on their way out. */
  readonly ending: number;
  readonly ended: Readonly<Record<EndReason, number>>;
  /** The sum of the lives of all sessions ended so far. */
  readonly endedDurationMs: number;
  readonly types: readonly TypeTotals[];
}
