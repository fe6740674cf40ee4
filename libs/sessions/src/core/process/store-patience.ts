import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../../domain/errors.js';
import type { Clock } from '../../ports/clock.js';

/** Longest time for which a step is repeated, and the number of tries that fit into it. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 100;
const TRIES = PATIENCE_MS / PAUSE_MS;

/**
 * Repeats a step of a store whose answer was lost, so that it may have happened or not, until the store answers: for 5 s,
 * then it rejects with `STORE_UNAVAILABLE`. Only for steps whose repeat answers as the first did.
 */
export async function untilAnswered<Answer>(clock: Clock, step: () => Promise<Answer>): Promise<Answer> {
  const deadline = clock.monotonic() + PATIENCE_MS;
  for (let tries = 1; ; tries += 1) {
    try {
      return await step();
    } catch (error) {
      const isOver = tries >= TRIES || clock.monotonic() >= deadline;
      if (isOver || !hasCode(error, 'STORE_UNAVAILABLE')) throw error;
    }
    await delay(PAUSE_MS);
  }
}
