import type { CleanupJob } from '../../domain/events.js';
import type { EndReason } from '../../domain/session.js';

/** The store's identity, its totals, the runs of cleanup jobs, and the items that a cleanup could not finish. */
export abstract class LedgerGroup {
  /** Identifies the store's data and how far its history has come. */
  abstract identity(): Promise<StoreIdentity>;

  /** Totals and gauges, updated with each write: reading them costs the same with one session or a million. */
  abstract totals(): Promise<StoreTotals>;

  /** Stores the latest run of a cleanup job, and adds it to the job's totals. */
  abstract recordRun(run: JobRun): Promise<void>;

  /** One entry for each job that has run. */
  abstract listRuns(): Promise<JobRecord[]>;

  /** Stores failures of items on a node; the latest of an item replaces the others. Up to 1,000 items of a node are kept. */
  abstract noteFailures(nodeId: string, failures: readonly Failure[]): Promise<void>;

  /** Forgets the failures of items of a node that are finished, whoever finished them. */
  abstract forgetFailures(nodeId: string, items: readonly string[]): Promise<void>;

  /** The items of a node that failed and are not finished, sorted by item. `fleet.forgetNode` forgets them too. */
  abstract listFailures(nodeId: string): Promise<Failure[]>;
}

/** Failures of one node that the store keeps. Items beyond them are retried in each run, and not counted. */
export const MOST_FAILURES = 1000;

/** An item that a cleanup tried and could not finish. */
export interface Failure {
  /** Its kind and id, e.g. `Session 5e9f…`. */
  readonly item: string;
  /** Failed tries in a row. */
  readonly tries: number;
  /** When it is due again. */
  readonly retryAt: number;
}

export interface StoreIdentity {
  /** UUID of this store's data: an emptied or new store has another. */
  readonly generation: string;
  /** Increases with each change of a session, never decreases: a store restored from a backup is behind. */
  readonly counter: number;
}

export interface JobRun {
  readonly job: CleanupJob;
  /** The process that ran it. */
  readonly processId: string;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly items: number;
  readonly failures: number;
  /** Things that the run left for later ones: they failed, and wait for a retry or for an operator. */
  readonly waiting: number;
  /** Orphans found, deleted or not. */
  readonly found: number;
  /** Whether it did something, or had nothing to do but items that wait for a retry. */
  readonly succeeded: boolean;
  /** `null` for a run started by hand. */
  readonly nextRunAt: number | null;
  /** The last failure, on one line, without secrets; `null` for none. */
  readonly lastError: string | null;
}

/**
 * The latest run of a job, and the sums of all its runs. `waiting` and `found` are those of the latest run of each process
 * that was not dropped: the largest of them.
 */
export interface JobRecord extends Omit<JobRun, 'processId' | 'succeeded'> {
  /** The runs in a row that failed or left something waiting, of the process with most of them. */
  readonly failedRuns: number;
  readonly runs: number;
  readonly totalItems: number;
  readonly totalFailures: number;
  /** The end of the latest run that succeeded; `null` for none. */
  readonly lastSuccessAt: number | null;
}

export interface TypeTotals {
  readonly type: string;
  /** Existing now, in any state, also in the trash. */
  readonly active: number;
  readonly activeBytes: number;
  /** Number of resources released since the store was created, for any reason: evictions are among them. */
  readonly released: number;
  /** Bytes of released files that are deleted. Those of a forgotten node never are. */
  readonly releasedBytes: number;
  readonly evicted: number;
}

export interface StoreTotals {
  readonly created: number;
  readonly open: number;
  /** Over, but their files are not deleted yet. */
  readonly ending: number;
  readonly ended: Readonly<Record<EndReason, number>>;
  /** Sum of the durations of all ended sessions. */
  readonly endedDurationMs: number;
  readonly types: readonly TypeTotals[];
}
