import { Backoff } from '../../domain/backoff.js';
import type { Clock } from '../../ports/clock.js';
import type { RunReport } from './run-report.js';

const MOST_REMEMBERED = 10_000;

/** Tries what a cleanup has to do: a failure is reported, holds up nothing else, and is retried later and later. */
export class Attempts {
  private readonly backoff = new Backoff(MOST_REMEMBERED);

  constructor(private readonly clock: Clock) {}

  /** How many things have failed five times or more. */
  get stuck(): number {
    return this.backoff.stuck;
  }

  /** Whether it was done: not where it failed, or its next try is not due yet. */
  async make(what: string, report: RunReport, work: () => Promise<unknown>): Promise<boolean> {
    if (!this.backoff.isDue(what, this.clock.monotonic())) return false;
    try {
      await work();
      this.backoff.succeeded(what);
      return true;
    } catch (error) {
      this.backoff.failed(what, this.clock.monotonic());
      report.failed(what, error);
      return false;
    }
  }
}
