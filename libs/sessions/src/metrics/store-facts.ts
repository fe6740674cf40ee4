import type { SessionsCore } from '../core/core.js';
import type { Clock } from '../ports/clock.js';
import type { JobRecord, StoreTotals } from '../ports/session-store.js';

/** What one scrape asks the store for. It keeps these figures at hand: none of them is counted over sessions. */
export interface StoreFacts {
  readonly totals: StoreTotals;
  readonly runs: readonly JobRecord[];
  /** Sessions that are over by their limits and wait for the next cleanup. */
  readonly due: { readonly idle: number; readonly expired: number };
}

/** Reads the facts once for all metrics of a scrape, and for scrapes that overlap. */
export class StoreFactsReader {
  private underWay: Promise<StoreFacts | null> | null = null;

  constructor(
    private readonly core: SessionsCore,
    private readonly clock: Clock,
  ) {}

  /** `null` when the store does not answer. */
  read(): Promise<StoreFacts | null> {
    this.underWay ??= this.ask().finally(() => (this.underWay = null));
    return this.underWay;
  }

  private async ask(): Promise<StoreFacts | null> {
    const { store } = this.core;
    try {
      const [totals, runs, due] = await Promise.all([
        store.ledger.totals(),
        store.ledger.listRuns(),
        store.endings.countDue(this.clock.now()),
      ]);
      return { totals, runs, due };
    } catch {
      return null;
    }
  }
}
