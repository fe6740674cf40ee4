import type { RateCount, RateEvent } from '../domain/rates/rate-count.js';

/**
 * Counts events by key, for rate limits that hold over all processes. Alone among the groups it need not be durable: what a
 * crash of the machine loses lets in a window's events once more. A key of which nothing counts any more takes no room.
 */
export abstract class RatesGroup {
  /** Counts an event, or refuses it, as `countRate` decides. A repeat counts again. */
  abstract count(event: RateEvent): Promise<RateCount>;
}
