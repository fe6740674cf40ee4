import type { SessionsConfig } from '../core/config/config.js';
import type { SessionsCore } from '../core/core.js';
import type { ClockStatus } from '../core/process/clock-trust.js';
import type { ProcessState } from '../core/process/this-process.js';
import { isStuck } from '../domain/backoff.js';
import { CLEANUP_JOBS, type CleanupJob } from '../domain/events.js';
import type { JobRecord, StoreTotals } from '../ports/store/session-store.js';

/** Totals, cleanup and processes of a store at `now`. The store maintains the totals: reading them counts no sessions. */
export interface Overview {
  readonly now: number;
  readonly totals: StoreTotals;
  /** Configured in this process. */
  readonly limits: Pick<SessionsConfig, 'maxDurationMs' | 'maxIdleMs' | 'maxResources' | 'maxBytes'>;
  readonly jobs: readonly JobState[];
  /** Sessions past their idle or absolute end that the next cleanup will end. */
  readonly due: { readonly idle: number; readonly expired: number };
  /** All processes in the store, including this one. */
  readonly processes: readonly ProcessState[];
  readonly clock: ClockStatus;
  /** See `countStuck`. */
  readonly stuck: number;
}

export interface JobState {
  readonly job: CleanupJob;
  /** The latest run in any process; `null` before the first. */
  readonly run: JobRecord | null;
  /** `null` if no process has scheduled a run. */
  readonly nextRunAt: number | null;
}

/** Rejects if the store does not answer. */
export async function readOverview(core: SessionsCore): Promise<Overview> {
  const { maxDurationMs, maxIdleMs, maxResources, maxBytes } = core.config;
  const [totals, jobs, due, processes, stuck] = await Promise.all([
    core.service.totals(),
    listJobs(core),
    core.store.endings.countDue(core.clock.now()),
    core.thisProcess.listProcesses(),
    countStuck(core),
  ]);
  const limits = { maxDurationMs, maxIdleMs, maxResources, maxBytes };
  const clock = core.clockTrust.status();
  return { now: core.clock.now(), totals, limits, jobs, due, processes, clock, stuck };
}

/** Lists every cleanup job. Rejects if the store does not answer. */
export async function listJobs({ store, role, cleanup, clock }: SessionsCore): Promise<JobState[]> {
  const runs = await store.ledger.listRuns();
  return CLEANUP_JOBS.map((job) => {
    const run = runs.find((known) => known.job === job) ?? null;
    // A server has a schedule of its own; other processes know only what the latest run recorded.
    const nextRunAt = role === 'server' ? clock.now() + cleanup.nextRunInMs(job) : (run?.nextRunAt ?? null);
    return { job, run, nextRunAt };
  });
}

/**
 * Counts the items of this node that could not be finished or deleted in five tries: ends, releases, trash and orphans. All
 * processes of the node count the same. Rejects if the store does not answer.
 */
export async function countStuck({ store, thisProcess }: SessionsCore): Promise<number> {
  return (await store.ledger.listFailures(thisProcess.nodeId)).filter(isStuck).length;
}
