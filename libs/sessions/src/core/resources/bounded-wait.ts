import type { Clock } from '../../ports/clock.js';

/** A wait in short pauses, for at most `limitMs` by the clock, or by the pauses where that clock stands still. */
export class BoundedWait {
  private readonly startedAt: number;
  private pausedMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly limitMs: number,
    private readonly pauseMs: number,
  ) {
    this.startedAt = clock.monotonic();
  }

  get isOver(): boolean {
    return this.lasts(this.limitMs);
  }

  /** Whether it has gone on for at least `ms`. */
  lasts(ms: number): boolean {
    return Math.max(this.clock.monotonic() - this.startedAt, this.pausedMs) >= ms;
  }

  async pause(): Promise<void> {
    this.pausedMs += this.pauseMs;
    await new Promise((resolve) => setTimeout(resolve, this.pauseMs));
  }
}
