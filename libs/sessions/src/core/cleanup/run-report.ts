import { describeError, type Log } from '../watch/log.js';

/** Counts the work of one cleanup run. Logs an item that fails; the run continues. */
export class RunReport {
  private items = 0;
  private failures = 0;
  private lastError: string | null = null;

  constructor(
    private readonly log: Log,
    private readonly onProgress: (items: number) => void = () => {},
  ) {}

  get summary(): { items: number; failures: number; lastError: string | null } {
    return { items: this.items, failures: this.failures, lastError: this.lastError };
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
}
