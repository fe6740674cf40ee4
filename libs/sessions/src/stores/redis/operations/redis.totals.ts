import { END_REASONS } from '../../../domain/session.js';
import type { StoreTotals, TypeTotals } from '../../../ports/session-store.js';
import { compare, type RedisBuckets } from './redis.buckets.js';
import { HASH } from '../scripts/redis.scripts.store.js';
import { pairsOf, textsOf } from './redis.values.js';

/** The totals: each bucket keeps its share with each write, and here they are added up. */
export class RedisTotals {
  constructor(private readonly buckets: RedisBuckets) {}

  async read(): Promise<StoreTotals> {
    const sums = await this.#sums();
    const sum = (name: string): number => sums.get(name) ?? 0;
    const reasons = END_REASONS.map((reason) => [reason, sum(`ended:${reason}`)] as const);
    const types = [...sums.keys()].filter((name) => name.startsWith('active:')).map((name) => name.slice(7));
    return {
      created: sum('created'),
      open: sum('open'),
      ending: sum('ending'),
      ended: { idle: 0, expired: 0, ended: 0, admin: 0, evicted: 0, ...Object.fromEntries(reasons) },
      endedDurationMs: sum('ended_duration_ms'),
      types: types.toSorted(compare).map((type): TypeTotals => ({
        type,
        active: sum(`active:${type}`),
        activeBytes: sum(`active_bytes:${type}`),
        released: sum(`released:${type}`),
        releasedBytes: sum(`released_bytes:${type}`),
        evicted: sum(`evicted:${type}`),
      })),
    };
  }

  async #sums(): Promise<Map<string, number>> {
    const found = await this.buckets.askAll(HASH, 'totals');
    const shares = found.map((share) => pairsOf(textsOf(share)));
    const sums = new Map<string, number>();
    for (const share of shares) {
      for (const [name, value] of share) sums.set(name, (sums.get(name) ?? 0) + Number(value));
    }
    return sums;
  }
}
