import { Counter, Gauge, type Registry } from 'prom-client';
import type { SessionsCore } from '../core/core.js';
import { STREAM_TYPE } from '../domain/resource.js';
import { END_REASONS } from '../domain/session.js';
import type { Overview } from '../operate/overview.js';
import { liveServers } from '../operate/server-limits.js';
import { PROCESS_ROLES, type JobRecord, type TypeTotals } from '../ports/store/session-store.js';

type Label = 'cleanup_job' | 'kind' | 'reason' | 'role' | 'type';
type Sample = readonly [labels: Partial<Record<Label, string>>, value: number];

interface StoreMetric {
  readonly kind: typeof Counter<Label> | typeof Gauge<Label>;
  readonly name: string;
  readonly help: string;
  readonly label?: Label;
  readonly read: (overview: Overview) => readonly Sample[];
}

/** Label of types that only an earlier configuration had: labels come from fixed sets. */
const OTHER = 'other';
const KEPT = 'Kept in the store: survives restarts, counts all processes.';

/** Registers the metrics that each scrape reads from the store. If it does not answer, they have no samples. */
export function registerStoreMetrics(
  registry: Registry,
  core: SessionsCore,
  askStore: () => Promise<Overview | null>,
): void {
  for (const { kind: Kind, name, help, label, read } of storeMetrics(core)) {
    const metric = new Kind({
      name,
      help,
      labelNames: label ? [label] : [],
      registers: [registry],
      collect: async () => {
        const overview = await askStore();
        metric.reset();
        if (overview) for (const [labels, value] of read(overview)) metric.inc(labels, value);
        else if (!label) metric.remove();
      },
    });
  }
}

function storeMetrics({ config, thisProcess }: SessionsCore): StoreMetric[] {
  const { resourceTypes } = config;
  const fileTypes = resourceTypes.filter((type) => type !== STREAM_TYPE);
  return [
    {
      kind: Gauge,
      name: 'nest_sessions_open',
      help: 'Open sessions.',
      read: ({ totals }) => [[{}, totals.open]],
    },
    {
      kind: Counter,
      name: 'nest_sessions_opened_total',
      help: `Sessions opened. ${KEPT}`,
      read: ({ totals }) => [[{}, totals.created]],
    },
    {
      kind: Counter,
      name: 'nest_sessions_ended_total',
      help: `Sessions ended, by reason. ${KEPT}`,
      label: 'reason',
      read: ({ totals }) => END_REASONS.map((reason) => [{ reason }, totals.ended[reason]]),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_resources',
      help: 'Resources of sessions, by type.',
      label: 'type',
      read: ({ totals }) => byType(totals.types, resourceTypes, (type) => type.active),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_resource_bytes',
      help: 'Bytes of files of sessions, by type; includes files being written or deleted.',
      label: 'type',
      read: ({ totals }) => byType(filesOf(totals.types), fileTypes, (type) => type.activeBytes),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_streams_open',
      help: 'Open streams of sessions, in all processes.',
      read: ({ totals }) => [[{}, totals.types.find(({ type }) => type === STREAM_TYPE)?.active ?? 0]],
    },
    {
      kind: Counter,
      name: 'nest_sessions_resources_released_total',
      help: `Resources deleted or closed for any reason, by type. ${KEPT}`,
      label: 'type',
      read: ({ totals }) => byType(totals.types, resourceTypes, (type) => type.released),
    },
    {
      kind: Counter,
      name: 'nest_sessions_deleted_bytes_total',
      help: `Bytes of files that were deleted for any reason, by type. ${KEPT}`,
      label: 'type',
      read: ({ totals }) => byType(filesOf(totals.types), fileTypes, (type) => type.releasedBytes),
    },
    {
      kind: Counter,
      name: 'nest_sessions_resources_evicted_total',
      help: `Resources evicted to make room for others, by type. ${KEPT}`,
      label: 'type',
      read: ({ totals }) => byType(filesOf(totals.types), fileTypes, (type) => type.evicted),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_due',
      help: 'Cleanup backlog: sessions past their idle or absolute end, and ended sessions whose files are being deleted.',
      label: 'kind',
      read: ({ totals, due }) => [
        [{ kind: 'idle' }, due.idle],
        [{ kind: 'expired' }, due.expired],
        [{ kind: 'ending' }, totals.ending],
      ],
    },
    {
      kind: Gauge,
      name: 'nest_sessions_stuck',
      help: 'Items of this node that could not be cleaned up in five tries, by the store; retries go on.',
      read: ({ stuck }) => [[{}, stuck.filter(({ nodeId }) => nodeId === thisProcess.nodeId).length]],
    },
    {
      kind: Gauge,
      name: 'nest_sessions_processes',
      help: 'Processes on the store with a heartbeat in the last 10 s, by role: servers, and commands of the command line.',
      label: 'role',
      read: ({ processes }) =>
        PROCESS_ROLES.map((role) => [
          { role },
          processes.filter((process) => process.isLive && process.role === role).length,
        ]),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_nodes',
      help: 'Nodes (storage folders) with a live server.',
      read: ({ processes }) => [[{}, new Set(liveServers(processes).map(({ nodeId }) => nodeId)).size]],
    },
    ...cleanupMetrics(),
  ];
}

function cleanupMetrics(): StoreMetric[] {
  return [
    {
      kind: Counter,
      name: 'nest_sessions_cleanup_runs_total',
      help: `Runs of each cleanup job. ${KEPT}`,
      label: 'cleanup_job',
      read: byJob((run) => run?.runs ?? 0),
    },
    {
      kind: Counter,
      name: 'nest_sessions_cleanup_items_total',
      help: `Items cleaned up by each cleanup job. ${KEPT}`,
      label: 'cleanup_job',
      read: byJob((run) => run?.totalItems ?? 0),
    },
    {
      kind: Counter,
      name: 'nest_sessions_cleanup_failures_total',
      help: `Items that each cleanup job failed to clean up. ${KEPT}`,
      label: 'cleanup_job',
      read: byJob((run) => run?.totalFailures ?? 0),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_cleanup_duration_seconds',
      help: 'Duration of the latest run of each cleanup job.',
      label: 'cleanup_job',
      read: byJob((run) => run && run.durationMs / 1000),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_cleanup_last_success_timestamp_seconds',
      help: 'Time of the latest run of each cleanup job without failures.',
      label: 'cleanup_job',
      read: byJob((run) => run?.lastSuccessAt && run.lastSuccessAt / 1000),
    },
  ];
}

/** One sample per job that has a value. */
function byJob(valueOf: (run: JobRecord | null) => number | null | undefined): StoreMetric['read'] {
  return ({ jobs }) =>
    jobs.flatMap(({ job, run }): Sample[] => {
      const value = valueOf(run);
      return typeof value === 'number' ? [[{ cleanup_job: job }, value]] : [];
    });
}

/** One sample per configured type, and one for all others if there are any. */
function byType(
  totals: readonly TypeTotals[],
  known: readonly string[],
  valueOf: (totals: TypeTotals) => number,
): Sample[] {
  const sumOf = (some: readonly TypeTotals[]): number => some.reduce((sum, type) => sum + valueOf(type), 0);
  const others = totals.filter(({ type }) => !known.includes(type));
  return [
    ...known.map((type): Sample => [{ type }, sumOf(totals.filter((each) => each.type === type))]),
    ...(others.length > 0 ? [[{ type: OTHER }, sumOf(others)] as const] : []),
  ];
}

function filesOf(totals: readonly TypeTotals[]): TypeTotals[] {
  return totals.filter(({ type }) => type !== STREAM_TYPE);
}
