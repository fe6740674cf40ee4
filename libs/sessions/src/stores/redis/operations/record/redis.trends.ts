import {
  sumOfCounts,
  TREND_SPAN_NAMES,
  TREND_SPANS,
  type TrendPoint,
} from '../../../../domain/trends/trend.js';
import type { TrendBatch, TrendQuery, TrendsGroup } from '../../../../ports/record/trends.js';
import type { RedisBuckets } from '../../buckets/redis.buckets.js';
import { numberOf, pairsOf, textsOf } from '../../buckets/redis.values.js';
import { HASH } from '../../scripts/lua/store.scripts.js';
import { ADD_TRENDS, PRUNE_TRENDS, TREND_STARTS } from '../../scripts/lua/trends.scripts.js';

/** Points that one script drops. */
const DROPPED_TOGETHER = 500;

/** On one server all counts lie together; on a cluster each bucket has its own, and what is read is their sum. */
export class RedisTrends implements TrendsGroup {
  /** Buckets that have counts of their own. */
  readonly #places: readonly number[];

  constructor(private readonly buckets: RedisBuckets) {
    this.#places = buckets.layout.isCluster ? buckets.all : [0];
  }

  async add({ processId, number, at, counts }: TrendBatch): Promise<void> {
    await this.buckets.runIn(ADD_TRENDS, 0, processId, number, at, ...Object.entries(counts).flat());
  }

  async read({ span, from, to }: TrendQuery): Promise<TrendPoint[]> {
    const beginnings = this.buckets.layout.keyIn(this.#places, 'trends');
    const starts = await this.buckets.ask(
      TREND_STARTS,
      beginnings.map((key) => `${key}points:${span}`),
      from,
      to,
    );
    const points = beginnings.flatMap((key, index) =>
      textsOf(starts[index]).map((start) => ({ at: numberOf(start), key: `${key}${span}:${start}` })),
    );
    const hashes = await this.buckets.ask(
      HASH,
      points.map(({ key }) => key),
    );
    const parts = points.map(({ at }, index) => ({ at, counts: countsOf(textsOf(hashes[index])) }));
    return [...Map.groupBy(parts, ({ at }) => at)]
      .map(([at, of]) => ({ at, counts: sumOfCounts(of.map(({ counts }) => counts)) }))
      .filter(({ counts }) => Object.keys(counts).length > 0)
      .toSorted((a, b) => a.at - b.at);
  }

  async prune(at: number): Promise<number> {
    const dropped = new Set<string>();
    for (const span of TREND_SPAN_NAMES) {
      const before = at - TREND_SPANS[span].keptMs;
      for (const place of this.#places) {
        for (const start of await this.#dropFrom(place, span, before)) dropped.add(`${span}:${start}`);
      }
    }
    return dropped.size;
  }

  async #dropFrom(place: number, span: string, before: number): Promise<string[]> {
    const dropped: string[] = [];
    for (;;) {
      const some = textsOf(await this.buckets.runIn(PRUNE_TRENDS, place, span, before, DROPPED_TOGETHER));
      dropped.push(...some);
      if (some.length < DROPPED_TOGETHER) return dropped;
    }
  }
}

function countsOf(fields: readonly string[]): Record<string, number> {
  return Object.fromEntries([...pairsOf(fields)].map(([name, number]) => [name, numberOf(number)]));
}
