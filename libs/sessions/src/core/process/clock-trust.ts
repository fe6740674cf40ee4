import type { Clock } from '../../ports/clock.js';

/**
 * Whether the time can be believed enough to delete by it. While it cannot, nothing is ended or deleted for its age: what
 * looks over is refused, and left as it is.
 */
export class ClockTrust {
  private untilMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  /** Lets it last until then, by the monotonic clock. */
  lastUntil(monotonicMs: number): void {
    this.untilMs = monotonicMs;
  }

  get lasts(): boolean {
    return this.clock.monotonic() < this.untilMs;
  }
}
