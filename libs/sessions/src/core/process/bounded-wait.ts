import { hasCode } from '../../domain/errors.js';
import type { Clock } from '../../ports/clock.js';

/** Longest time for which an unanswered step is repeated. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 100;

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

/** Longest wait for deletions under way when the process stops: what is left, a later cleanup finishes. */
const STOP_MS = 5000;
const STOP_PAUSE_MS = 10;

/** Waits, for a few seconds at most, until all of this work is settled, as a disk may hold it for long. */
export async function untilStopped(clock: Clock, work: readonly Promise<unknown>[]): Promise<void> {
  let isSettled = work.length === 0;
  void Promise.allSettled(work).then(() => (isSettled = true));
  const wait = new BoundedWait(clock, STOP_MS, STOP_PAUSE_MS);
  while (!isSettled && !wait.isOver) await wait.pause();
}

/**
 * Repeats a step of a store whose answer was lost, so that it may have happened or not, until the store answers: for 5 s,
 * then it rejects with `STORE_UNAVAILABLE`. Only for steps whose repeat answers as the first did.
 */
export async function untilAnswered<Answer>(clock: Clock, step: () => Promise<Answer>): Promise<Answer> {
  const wait = new BoundedWait(clock, PATIENCE_MS, PAUSE_MS);
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (wait.isOver || !hasCode(error, 'STORE_UNAVAILABLE')) throw error;
    }
    await wait.pause();
  }
}
