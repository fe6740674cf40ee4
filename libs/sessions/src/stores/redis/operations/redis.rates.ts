import type { RateCount, RateEvent } from '../../../domain/rates/rate-count.js';
import { slotMsOf } from '../../../domain/rates/rate-ring.js';
import type { RatesGroup } from '../../../ports/rates.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import { listOf, numberOf } from '../buckets/redis.values.js';
import { COUNT_RATE } from '../scripts/lua/counts.scripts.js';

export class RedisRates implements RatesGroup {
  constructor(private readonly buckets: RedisBuckets) {}

  async count({ key, at, limit, windowMs, blockMs }: RateEvent): Promise<RateCount> {
    const keys = [this.buckets.layout.rate(key)];
    const answer = await this.buckets.run(COUNT_RATE, keys, [at, limit, slotMsOf(windowMs), blockMs ?? 0]);
    const [retryAfterMs = 0, events = 0, resetMs = 0] = listOf(answer).map(numberOf);
    return retryAfterMs > 0 ? { retryAfterMs } : { retryAfterMs: null, events, resetMs };
  }
}
