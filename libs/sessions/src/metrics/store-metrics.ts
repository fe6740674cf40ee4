import { Counter, Gauge, type Registry } from 'prom-client';
import { STREAM_TYPE } from '../domain/resource.js';
import { END_REASONS } from '../domain/session.js';
import type { Overview } from '../operate/overview.js';
import type { JobRecord, TypeTotals } from '../ports/session-store.js';

type Label = 'job' | 'kind' | 'reason' | 'type';
type Sample = readonly [labels: Partial<Record<Label, string>>, value: number];

interface StoreMetric {
  readonly kind: typeof Counter<Label> | typeof Gauge<Label>;
  readonly name: string;
  readonly help: string;
  readonly label?: Label;
  readonly read: (overview: Overview) => readonly Sample[];
}

/** What a type is called that only an earlier configuration knew: labels come from fixed sets. */
const OTHER = 'other';
const KEPT = 'Kept by the store: it survives restarts, and counts all processes.';

/** Metrics that are read from the store at each scrape. While it does not answer, they have no samples. */
export function registerStoreMetrics(
  registry: Registry,
  resourceTypes: readonly string[],
  askStore: () => Promise<Overview | null>,
): void {
  for (const { kind: Kind, name, help, label, read } of storeMetrics(resourceTypes)) {
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

function storeMetrics(resourceTypes: readonly string[]): StoreMetric[] {
  const fileTypes = resourceTypes.filter((type) => type !== STREAM_TYPE);
  return [
    {
      kind: Gauge,
      name: 'nest_sessions_open',
      help: 'Sessions that are open.',
      read: ({ totals }) => [[{}, totals.open]],
    },
    {
      kind: Counter,
      name: 'nest_sessions_opened_total',
      help: `Sessions that began. ${KEPT}`,
      read: ({ totals }) => [[{}, totals.created]],
    },
    {
      kind: Counter,
      name: 'nest_sessions_ended_total',
      help: `Sessions that ended, by reason. ${KEPT}`,
      label: 'reason',
      read: ({ totals }) => END_REASONS.map((reason) => [{ reason }, totals.ended[reason]]),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_resources',
      help: 'Resources that sessions hold, by type.',
      label: 'type',
      read: ({ totals }) => byType(totals.types, resourceTypes, (type) => type.active),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_resource_bytes',
      help: 'Bytes that sessions hold, by type; those being written included.',
      label: 'type',
      read: ({ totals }) => byType(filesOf(totals.types), fileTypes, (type) => type.activeBytes),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_streams_open',
      help: 'Live connections that sessions hold, in all processes.',
      read: ({ totals }) => [[{}, totals.types.find(({ type }) => type === STREAM_TYPE)?.active ?? 0]],
    },
    {
      kind: Counter,
      name: 'nest_sessions_resources_released_total',
      help: `Resources let go for whatever reason, by type. ${KEPT}`,
      label: 'type',
      read: ({ totals }) => byType(totals.types, resourceTypes, (type) => type.released),
    },
    {
      kind: Counter,
      name: 'nest_sessions_resources_evicted_total',
      help: `Resources let go to make room for others, by type. ${KEPT}`,
      label: 'type',
      read: ({ totals }) => byType(filesOf(totals.types), fileTypes, (type) => type.evicted),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_due',
      help: 'Backpressure of the cleanup: sessions past their idle or absolute end, and ended ones whose files are on their way out.',
      label: 'kind',
      read: ({ totals, due }) => [
        [{ kind: 'idle' }, due.idle],
        [{ kind: 'expired' }, due.expired],
        [{ kind: 'ending' }, totals.ending],
      ],
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
      label: 'job',
      read: byJob((run) => run?.runs ?? 0),
    },
    {
      kind: Counter,
      name: 'nest_sessions_cleanup_items_total',
      help: `What the runs of each cleanup job cleaned. ${KEPT}`,
      label: 'job',
      read: byJob((run) => run?.totalItems ?? 0),
    },
    {
      kind: Counter,
      name: 'nest_sessions_cleanup_failures_total',
      help: `Items that the runs of each cleanup job failed at. ${KEPT}`,
      label: 'job',
      read: byJob((run) => run?.totalFailures ?? 0),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_cleanup_duration_seconds',
      help: 'How long the latest run of each cleanup job took.',
      label: 'job',
      read: byJob((run) => run && run.durationMs / 1000),
    },
    {
      kind: Gauge,
      name: 'nest_sessions_cleanup_last_success_timestamp_seconds',
      help: 'When each cleanup job last went through without a failure.',
      label: 'job',
      read: byJob((run) => run?.lastSuccessAt && run.lastSuccessAt / 1000),
    },
  ];
}

/** A sample of each job for which there is a value. */
function byJob(valueOf: (run: JobRecord | null) => number | null | undefined): StoreMetric['read'] {
  return ({ jobs }) =>
    jobs.flatMap(({ job, run }): Sample[] => {
      const value = valueOf(run);
      return typeof value === 'number' ? [[{ job }, value]] : [];
    });
}

/** A sample of each configured type, and one for all others if there are any. */
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
