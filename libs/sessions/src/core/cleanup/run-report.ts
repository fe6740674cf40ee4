import type { JobRun } from '../../ports/record/ledger.js';
import { describeError, type Log } from '../watch/log.js';

/** Counts the work of one cleanup run. Logs an item that fails; the run continues. */
export class RunReport {
  private items = 0;
  private failures = 0;
  private postponed = 0;
  private lastError: string | null = null;

  constructor(
    private readonly log: Log,
    private readonly onProgress: (items: number) => void = () => {},
  ) {}

  get summary(): Pick<JobRun, 'items' | 'failures' | 'succeeded' | 'lastError'> {
    const { items, failures, lastError } = this;
    return { items, failures, succeeded: items > 0 || failures === this.postponed, lastError };
  }

  done(count = 1): void {
    this.items += count;
    this.onProgress(this.items);
  }

  failed(what: string, error: unknown): void {
    this.failures += 1;
    this.lastError = `${what}: ${describeError(error)}`;
    this.log.warn(this.lastError);
  }

  /** As `failed`, of an item that is retried with growing pauses. It does not make the run a failure: it counts as stuck. */
  postpone(what: string, error: unknown): void {
    this.postponed += 1;
    this.failed(what, error);
  }
}
