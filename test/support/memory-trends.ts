import { sumOfCounts, TREND_SPAN_NAMES, TREND_SPANS, trendStart } from '#sessions/domain/trends/trend';
import type { TrendPoint } from '#sessions/domain/trends/trend';
import type { TrendBatch, TrendQuery, TrendsGroup } from '#sessions/ports/record/trends';

/** The trends of a store as simply as they can be kept, for tests of what uses them. */
export class MemoryTrends implements TrendsGroup {
  readonly batches: TrendBatch[] = [];
  private points = new Map<string, TrendPoint>();
  private readonly numbers = new Map<string, number>();

  async add(batch: TrendBatch): Promise<void> {
    this.batches.push(batch);
    if (batch.number <= (this.numbers.get(batch.processId) ?? 0)) return;
    this.numbers.set(batch.processId, batch.number);
    for (const span of TREND_SPAN_NAMES) {
      const at = trendStart(span, batch.at);
      const key = `${span} ${at}`;
      const before = this.points.get(key)?.counts ?? {};
      this.points.set(key, { at, counts: sumOfCounts([before, batch.counts]) });
    }
  }

  async read({ span, from, to }: TrendQuery): Promise<TrendPoint[]> {
    return this.all()
      .filter((point) => point.span === span && point.at >= from && point.at < to)
      .map(({ at, counts }) => ({ at, counts }))
      .toSorted((a, b) => a.at - b.at);
  }

  async prune(at: number): Promise<number> {
    const before = this.points.size;
    const kept = this.all().filter((point) => point.at + TREND_SPANS[point.span].keptMs > at);
    this.points = new Map(kept.map(({ span, ...point }) => [`${span} ${point.at}`, point]));
    return before - this.points.size;
  }

  private all() {
    return [...this.points].map(([key, point]) => ({
      ...point,
      span: key.split(' ')[0] as TrendQuery['span'],
    }));
  }
}
