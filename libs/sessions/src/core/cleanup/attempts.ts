import { Backoff } from '../../domain/backoff.js';
import type { Clock } from '../../ports/clock.js';
import type { RunReport } from './run-report.js';

const MAX_FAILURES = 10_000;

/** Runs the items of a cleanup: reports a failure, and retries it in later runs with growing pauses. */
export class Attempts {
  private readonly backoff = new Backoff(MAX_FAILURES);

  constructor(private readonly clock: Clock) {}

  /** Number of items that have failed five times or more in a row. Their retries go on. */
  get stuck(): number {
    return this.backoff.stuck;
  }

  /** Runs `work`; answers whether it succeeded. While a retry is not due it runs nothing, and answers `false`. */
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
