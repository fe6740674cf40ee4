import type { Clock } from '../ports/clock.js';

/** How long a health check waits. */
const WAIT_MS = 1000;
/** A call that takes longer than this is no slow answer any more: nobody answers. */
const SLOW_MS = 5000;

/** `unavailable`: the call was rejected twice. `timeout`: it has been pending too long. */
export type Failure = 'unavailable' | 'timeout';

/**
 * Asks a question that may fail or hang. One rejection is no failure: the call is repeated at once. One slow answer is
 * none either: until a call has been pending for 5 s, the outcome of the previous one counts.
 */
export class Probe<Answer extends object> {
  private pending: { readonly since: number; readonly outcome: Promise<Answer | Failure> } | null = null;
  private latest: Answer | Failure = 'timeout';

  constructor(
    private readonly clock: Clock,
    private readonly call: () => Promise<Answer>,
  ) {}

  /** Resolves within a second, and never rejects. A pending call is not repeated. */
  async ask(): Promise<Answer | Failure> {
    this.pending ??= { since: this.clock.monotonic(), outcome: this.run() };
    const { since, outcome } = this.pending;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, WAIT_MS, null);
    });
    const answer = await Promise.race([outcome, late]);
    clearTimeout(timer);
    if (answer !== null) return answer;
    return this.clock.monotonic() - since < SLOW_MS ? this.latest : 'timeout';
  }

  private async run(): Promise<Answer | Failure> {
    try {
      this.latest = await this.call().catch(() => this.call());
    } catch {
      this.latest = 'unavailable';
    }
    this.pending = null;
    return this.latest;
  }
}
