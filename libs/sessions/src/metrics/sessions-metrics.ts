import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import type { SessionsConfig } from '../core/config/config.js';
import { SessionsCore } from '../core/core.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';
import { Clock } from '../ports/clock.js';
import { registerProcessMetrics } from './process-metrics.js';
import { StoreFactsReader } from './store-facts.js';
import { registerStoreMetrics } from './store-metrics.js';

/**
 * The metrics of the sessions. All names begin with `nest_sessions_`; labels come from fixed sets, so that there are
 * less than 100 series whatever clients do. Reading them touches no session.
 */
@Injectable()
export class SessionsMetrics implements OnModuleDestroy {
  /** Of these metrics alone; `Registry.merge` puts it together with others of yours. */
  readonly registry = new Registry();
  private readonly unsubscribe: () => void;

  constructor(
    @Inject(SessionsCore) core: SessionsCore,
    @Inject(SESSIONS_CONFIG) { resourceTypes }: SessionsConfig,
    @Inject(Clock) clock: Clock,
  ) {
    const facts = new StoreFactsReader(core, clock);
    const up: Gauge = new Gauge({
      name: 'nest_sessions_store_up',
      help: 'Whether the store answered this scrape.',
      registers: [this.registry],
      collect: async () => up.set((await facts.read()) ? 1 : 0),
    });
    registerStoreMetrics(this.registry, resourceTypes, () => facts.read());
    this.unsubscribe = registerProcessMetrics(this.registry, core);
  }

  /** All metrics as they are now, in the text format of Prometheus. */
  render(): Promise<string> {
    return this.registry.metrics();
  }

  onModuleDestroy(): void {
    this.unsubscribe();
  }
}
