import { Clock } from '../ports/clock.js';

/** A clock that only `advance` moves. `now` starts at `startedAt` (epoch milliseconds), `monotonic` at 0. */
export class ManualClock extends Clock {
  private elapsedMs = 0;

  constructor(private readonly startedAt = Date.now()) {
    super();
  }

  now(): number {
    return this.startedAt + this.elapsedMs;
  }

  monotonic(): number {
    return this.elapsedMs;
  }

  /** Advances both times by `ms` milliseconds. */
  advance(ms: number): void {
    this.elapsedMs += ms;
  }
}
