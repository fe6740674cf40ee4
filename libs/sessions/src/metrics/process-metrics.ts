import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SessionsCore } from '../core/core.js';
import { ALERT_NAMES, REFUSAL_REASONS, RESOURCE_REFUSAL_REASONS } from '../domain/events.js';

/** Few, since each bucket is a series: a cached read, a durable write, a wait for a lock; a store that is slow, or hangs. */
const LATENCY_BUCKETS = [0.001, 0.01, 0.1, 1, 10];
const OWN = 'Counted by this process since it started.';

/** Registers the metrics that this process counts. Returns a function that unsubscribes them. */
export function registerProcessMetrics(registry: Registry, core: SessionsCore): () => void {
  const refused = counter(
    registry,
    'refused_total',
    'Refused openings of sessions (rate, full) and refused tokens, by reason.',
    ['reason', REFUSAL_REASONS],
  );
  const resourcesRefused = counter(registry, 'resources_refused_total', 'Refused resources, by reason.', [
    'reason',
    RESOURCE_REFUSAL_REASONS,
  ]);
  const mismatches = counter(
    registry,
    'binding_mismatches_total',
    'Requests from another client than the one the session is bound to, by differing property; none of a client that presents a session of its own beside it.',
    ['property', ['address', 'agent']],
  );
  const orphans = counter(
    registry,
    'orphans_found_total',
    'Orphaned files found by sweeps; while sweeps delete nothing, each counts the same files again.',
  );
  const files = counter(
    registry,
    'files_stored_total',
    'Files that took their places in sessions: uploads, and files that the application made.',
  );
  const fileBytes = counter(registry, 'stored_bytes_total', 'Bytes of the files that took their places.');
  const storeErrors = counter(registry, 'store_errors_total', 'Failed store calls.');
  const storeCalls = new Histogram({
    name: 'nest_sessions_store_call_duration_seconds',
    help: `Duration of store calls. ${OWN}`,
    buckets: LATENCY_BUCKETS,
    registers: [registry],
  });
  registerAlerts(registry, core);
  const unsubscribes = [
    core.events.on('session.refused', ({ reason }) => refused.inc({ reason })),
    core.events.on('resource.refused', ({ reason }) => resourcesRefused.inc({ reason })),
    core.events.on('resource.ready', ({ sizeBytes }) => {
      files.inc();
      fileBytes.inc(sizeBytes);
    }),
    core.events.on('session.mismatch', ({ property }) => mismatches.inc({ property })),
    core.events.on('orphans.found', ({ found }) => orphans.inc(found)),
    core.store.onCall((durationMs, failed) => {
      storeCalls.observe(durationMs / 1000);
      if (failed) storeErrors.inc();
    }),
  ];
  return () => {
    for (const unsubscribe of unsubscribes) unsubscribe();
  };
}

function registerAlerts(registry: Registry, core: SessionsCore): void {
  const alerts = new Gauge({
    name: 'nest_sessions_alerts',
    help: '1 while the alert is raised: the same in all processes.',
    labelNames: ['alert'],
    registers: [registry],
    collect: async () => {
      await core.alerts.check();
      for (const alert of ALERT_NAMES) alerts.set({ alert }, core.alerts.active.has(alert) ? 1 : 0);
    },
  });
  const nearLimit: Gauge = new Gauge({
    name: 'nest_sessions_near_limit',
    help: 'Sessions that use more than alertSessionPercent of a limit; 1,000 for so many or more.',
    registers: [registry],
    collect: async () => {
      await core.alerts.check();
      nearLimit.set(core.alerts.nearLimit);
    },
  });
}

/** A counter with one series for each value of its label. All series exist from the start, at 0. */
function counter<Label extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  [label, values]: readonly [Label, readonly string[]] | readonly [] = [],
): Counter<Label> {
  const created = new Counter<Label>({
    name: `nest_sessions_${name}`,
    help: `${help} ${OWN}`,
    labelNames: label ? [label] : [],
    registers: [registry],
  });
  if (label) for (const value of values ?? []) created.labels(value).inc(0);
  return created;
}
