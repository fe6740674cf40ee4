import { Clock } from '../ports/clock.js';

/** A clock that moves only when it is told to. Both its times move together. */
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

  /** Lets so many milliseconds pass. */
  advance(ms: number): void {
    this.elapsedMs += ms;
  }
}
