import { storeError, unavailable } from './redis.errors.js';
import { withTimeout } from './with-timeout.js';

/** The calls to one store: refused while it is not connected, and finished before it is closed, however long each takes. */
export class RedisCalls {
  areOpen = false;
  readonly #underWay = new Set<Promise<unknown>>();

  /** The answer, or the store's own error; with a time limit, `STORE_UNAVAILABLE` where none came within it. */
  async make<Answer>(call: () => Promise<Answer>, timeoutMs: number | null): Promise<Answer> {
    if (!this.areOpen) throw unavailable('The session store is not connected');
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
