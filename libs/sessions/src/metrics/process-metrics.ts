import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SessionsCore } from '../core/core.js';
import { ALERT_NAMES, REFUSAL_REASONS, RESOURCE_REFUSAL_REASONS } from '../domain/events.js';
import { countStuck } from '../operate/overview.js';

/** Few, since each is a series: a cached read, a durable write, a lock that was waited for. */
const LATENCY_BUCKETS = [0.001, 0.01, 0.1];
const OWN = 'Of this process, since it started.';

/** Metrics that this process keeps by itself. What it returns ends the subscriptions that feed them. */
export function registerProcessMetrics(registry: Registry, core: SessionsCore): () => void {
  const refused = counter(
    registry,
    'refused_total',
    'Sessions that could not begin (rate, full), and presented tokens that were not taken, by reason.',
    ['reason', REFUSAL_REASONS],
  );
  const resourcesRefused = counter(
    registry,
    'resources_refused_total',
    'Resources that were not taken, by reason.',
    ['reason', RESOURCE_REFUSAL_REASONS],
  );
  const mismatches = counter(
    registry,
    'binding_mismatches_total',
    'Requests whose client was not the one that the session is bound to, by what differed.',
    ['property', ['address', 'agent']],
  );
  const orphans = counter(
    registry,
    'orphans_found_total',
    'Files without a session that sweeps found; while a sweep holds back, each finds the same again.',
  );
  const storeErrors = counter(registry, 'store_errors_total', 'Calls that the store failed to answer.');
  const storeCalls = new Histogram({
    name: 'nest_sessions_store_call_duration_seconds',
    help: `How long the store took to answer. ${OWN}`,
    buckets: LATENCY_BUCKETS,
    registers: [registry],
  });
  registerAlerts(registry, core);
  registerStuck(registry, core);
  const unsubscribes = [
    core.events.on('session.refused', ({ reason }) => refused.inc({ reason })),
    core.events.on('resource.refused', ({ reason }) => resourcesRefused.inc({ reason })),
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
    help: '1 while an alert stands.',
    labelNames: ['alert'],
    registers: [registry],
    collect: () => {
      for (const alert of ALERT_NAMES) alerts.set({ alert }, core.alerts.active.has(alert) ? 1 : 0);
    },
  });
}

function registerStuck(registry: Registry, core: SessionsCore): void {
  const stuck: Gauge = new Gauge({
    name: 'nest_sessions_stuck',
    help: 'What this process could not clean up in five tries; it goes on trying.',
    registers: [registry],
    collect: () => stuck.set(countStuck(core)),
  });
}

/** With all its series there from the start, at 0. */
function counter<Label extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  [label, values]: readonly [Label, readonly string[]] | readonly [] = [],
): Counter<Label> {
  const made = new Counter<Label>({
    name: `nest_sessions_${name}`,
    help: `${help} ${OWN}`,
    labelNames: label ? [label] : [],
    registers: [registry],
  });
  if (label) for (const value of values ?? []) made.labels(value).inc(0);
  return made;
}
