import type { TrendCounts, TrendPoint, TrendSpan } from '../../domain/trends/trend.js';

/**
 * Counts by minute, hour and day, without ids: what a store counts of deeds rides in the step of the deed, at the deed's instant, so
 * that it agrees with the totals: see `TrendCounts`. Of fixed size: what is older than `TREND_SPANS` keeps is dropped.
 */
export abstract class TrendsGroup {
  /**
   * Adds what a process counted at one instant. A repeat with the same `number` changes nothing: each process numbers its batches from 1
   * up, and sends the next one when the last is answered.
   */
  abstract add(batch: TrendBatch): Promise<void>;

  /** The points of a span from `from` on and before `to`, oldest first; those without counts are left out. */
  abstract read(query: TrendQuery): Promise<TrendPoint[]>;

  /** Drops what was to be kept until `at` or less; answers how many points. */
  abstract prune(at: number): Promise<number>;
}

export interface TrendBatch {
  readonly processId: string;
  readonly number: number;
  readonly at: number;
  readonly counts: TrendCounts;
}

export interface TrendQuery {
  readonly span: TrendSpan;
  readonly from: number;
  readonly to: number;
}
