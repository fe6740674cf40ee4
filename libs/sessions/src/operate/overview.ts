import type { SessionsCore } from '../core/core.js';
import type { ClockStatus } from '../core/clock/clock-trust.js';
import type { NodeState } from '../core/process/nodes.js';
import type { ProcessState } from '../core/process/this-process.js';
import { isStuck } from '../domain/backoff.js';
import { CLEANUP_JOBS, type AlertName, type CleanupJob } from '../domain/events.js';
import type { Failure, JobRecord, ProcessLimits, StoreTotals } from '../ports/store/session-store.js';

/** Totals, cleanup and processes of a store at `now`. The store maintains the totals: reading them counts no sessions. */
export interface Overview {
  readonly now: number;
  readonly totals: StoreTotals;
  /** Configured in this process. For those of the running servers see `limitsInUse`. */
  readonly limits: ProcessLimits;
  readonly jobs: readonly JobState[];
  /** Sessions past their idle or absolute end that the next cleanup will end. */
  readonly due: { readonly idle: number; readonly expired: number };
  /** All processes in the store, including this one. */
  readonly processes: readonly ProcessState[];
  readonly clock: ClockStatus;
  /** What holds now, by the thresholds of this process. */
  readonly alerts: readonly ActiveAlert[];
  /** Items that could not be finished or deleted in five tries, on the nodes of all listed processes. */
  readonly stuck: readonly StuckItem[];
}

export interface ActiveAlert {
  readonly alert: AlertName;
  /** One line, with counts and ids of sessions. */
  readonly message: string;
}

export interface StuckItem extends Failure {
  readonly nodeId: string;
}

/** An overview with the nodes, whose files are counted. */
export interface FleetOverview extends Overview {
  readonly nodes: readonly NodeState[];
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
  const [totals, jobs, due, [processes, stuck]] = await Promise.all([
    core.service.totals(),
    listJobs(core),
    core.store.endings.countDue(core.clock.now()),
    listProcessesAndStuck(core),
    core.alerts.check(),
  ]);
  const { limits } = core.thisProcess;
  const clock = core.clockTrust.status();
  const alerts = [...core.alerts.active].map(([alert, message]) => ({ alert, message }));
  return { now: core.clock.now(), totals, limits, jobs, due, processes, clock, alerts, stuck };
}

/** The overview of a page for operators. Rejects if the store does not answer. */
export async function readFleetOverview(core: SessionsCore): Promise<FleetOverview> {
  const [overview, nodes] = await Promise.all([readOverview(core), core.nodes.list()]);
  return { ...overview, nodes };
}

async function listProcessesAndStuck(
  core: SessionsCore,
): Promise<readonly [readonly ProcessState[], readonly StuckItem[]]> {
  const processes = await core.thisProcess.listProcesses();
  const nodeIds = new Set([core.thisProcess.nodeId, ...processes.map(({ nodeId }) => nodeId)]);
  const stuck = await Promise.all(
    [...nodeIds].map(async (nodeId) =>
      (await listStuck(core, nodeId)).map((failure) => ({ nodeId, ...failure })),
    ),
  );
  return [processes, stuck.flat()];
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
export async function countStuck(core: SessionsCore): Promise<number> {
  return (await listStuck(core, core.thisProcess.nodeId)).length;
}

async function listStuck({ store }: SessionsCore, nodeId: string): Promise<Failure[]> {
  return (await store.ledger.listFailures(nodeId)).filter(isStuck);
}
