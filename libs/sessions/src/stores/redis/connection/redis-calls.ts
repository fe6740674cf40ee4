import { NOT_CONNECTED, storeError, unavailable } from './redis.errors.js';
import { withTimeout } from './with-timeout.js';

/** Tracks the calls to one store: rejects them while it is not connected, and lets `close` wait for all of them. */
export class RedisCalls {
  areOpen = false;
  readonly #underWay = new Set<Promise<unknown>>();

  /** Rejects with `STORE_UNAVAILABLE` after `timeoutMs`; `null`: no time limit. */
  async make<Answer>(call: () => Promise<Answer>, timeoutMs: number | null): Promise<Answer> {
    if (!this.areOpen) throw unavailable(NOT_CONNECTED);
    try {
      const answering = this.#track(call());
      return await (timeoutMs === null ? answering : withTimeout(answering, timeoutMs));
    } catch (error) {
      throw storeError(error);
    }
  }

  async finished(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  #track<Answer>(answering: Promise<Answer>): Promise<Answer> {
    this.#underWay.add(answering);
    const over = (): void => void this.#underWay.delete(answering);
    answering.then(over, over);
    return answering;
  }
}
