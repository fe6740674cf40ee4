import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { SessionsCore } from '../core/core.js';
import { readOverview, type Overview } from '../operate/overview.js';
import { SingleFlight } from '../operate/single-flight.js';
import { registerConfiguration } from './configuration-metrics.js';
import { DurationSummary } from './duration-summary.js';
import { registerProcessMetrics } from './process-metrics.js';
import { registerStoreMetrics } from './store-metrics.js';

/**
 * The metrics of the sessions. All names begin with `nest_sessions_`. Labels come from fixed sets: fewer than 150 series,
 * whatever clients do. Reading them touches no session.
 */
@Injectable()
export class SessionsMetrics implements OnModuleDestroy {
  /** Contains these metrics alone; combine it with your own by `Registry.merge`. */
  readonly registry = new Registry();
  private readonly unsubscribe: () => void;

  constructor(@Inject(SessionsCore) core: SessionsCore) {
    // All metrics of a scrape, and overlapping scrapes, share one read.
    const reading = new SingleFlight(() => readOverview(core));
    const askStore = (): Promise<Overview | null> => reading.ask().catch(() => null);
    const up: Gauge = new Gauge({
      name: 'nest_sessions_store_up',
      help: '1 if the store answered this scrape, otherwise 0.',
      registers: [this.registry],
      collect: async () => up.set((await askStore()) ? 1 : 0),
    });
    registerStoreMetrics(this.registry, core, askStore);
    this.registry.registerMetric(new DurationSummary(core, askStore));
    registerConfiguration(this.registry, core);
    this.unsubscribe = registerProcessMetrics(this.registry, core);
  }

  /** Current values, in the text format of Prometheus. */
  render(): Promise<string> {
    return this.registry.metrics();
  }

  onModuleDestroy(): void {
    this.unsubscribe();
  }
}
