import type { Clock } from '../../ports/clock.js';

/**
 * Whether the clock can be trusted for deletions. While it cannot, this process ends and deletes nothing for its age:
 * sessions that look over are refused, but stay.
 */
export class ClockTrust {
  private distrustedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  /** Distrusts the clock until then, in monotonic milliseconds. */
  distrustUntil(monotonicMs: number): void {
    this.distrustedUntilMs = monotonicMs;
  }

  get isTrusted(): boolean {
    return this.clock.monotonic() >= this.distrustedUntilMs;
  }
}
