import type { SessionsConfig } from '../core/config/config.js';
import type { SessionsCore } from '../core/core.js';
import type { ProcessState } from '../core/process/this-process.js';
import { CLEANUP_JOBS, type CleanupJob } from '../domain/events.js';
import type { JobRecord, StoreTotals } from '../ports/session-store.js';

/** What there is on a store, and who looks after it, at `now`. The store keeps the figures at hand: it counts no sessions. */
export interface Overview {
  readonly now: number;
  readonly totals: StoreTotals;
  /** Of the configuration that this process has. */
  readonly limits: Pick<SessionsConfig, 'maxDurationMs' | 'maxIdleMs' | 'maxResources' | 'maxBytes'>;
  readonly jobs: readonly JobState[];
  /** Sessions that are over by their limits and wait for the next cleanup. */
  readonly due: { readonly idle: number; readonly expired: number };
  /** Those that the store lists, this one too. */
  readonly processes: readonly ProcessState[];
}

export interface JobState {
  readonly job: CleanupJob;
  /** The latest one, in whatever process; `null` before the first. */
  readonly run: JobRecord | null;
  /** `null` where nobody has planned one. */
  readonly nextRunAt: number | null;
}

/** Rejects when the store does not answer. */
export async function readOverview(core: SessionsCore): Promise<Overview> {
  const { maxDurationMs, maxIdleMs, maxResources, maxBytes } = core.config;
  const [totals, jobs, due, processes] = await Promise.all([
    core.service.totals(),
    listJobs(core),
    core.store.endings.countDue(core.clock.now()),
    core.thisProcess.listProcesses(),
  ]);
  const limits = { maxDurationMs, maxIdleMs, maxResources, maxBytes };
  return { now: core.clock.now(), totals, limits, jobs, due, processes };
}

/** Every cleanup job. Rejects when the store does not answer. */
export async function listJobs({ store, role, cleanup, clock }: SessionsCore): Promise<JobState[]> {
  const runs = await store.ledger.listRuns();
  return CLEANUP_JOBS.map((job) => {
    const run = runs.find((known) => known.job === job) ?? null;
    // A server cleans up on its own schedule; anything else knows only what the latest run announced.
    const nextRunAt = role === 'server' ? clock.now() + cleanup.nextRunInMs(job) : (run?.nextRunAt ?? null);
    return { job, run, nextRunAt };
  });
}

/** How many things this process could not finish or delete in five tries: ends, releases, trash and orphans. */
export function countStuck({ recovery, sweep }: SessionsCore): number {
  return recovery.stuck + sweep.stuck;
}
