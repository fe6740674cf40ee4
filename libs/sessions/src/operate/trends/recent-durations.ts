import type { SessionsCore } from '../../core/core.js';
import {
  durationPercentiles,
  partsOfCounts,
  sumOfCounts,
  TREND_SPANS,
  trendStart,
} from '../../domain/trends/trend.js';

/**
 * Percentiles (0 to 1) of the durations of sessions that ended in this hour or the one before, in milliseconds; each `null` if none
 * did. Reads two points of the trends. Rejects if the store does not answer.
 */
export async function recentDurations(
  { store, clock }: Pick<SessionsCore, 'store' | 'clock'>,
  shares: readonly number[],
): Promise<readonly (number | null)[]> {
  const { ms } = TREND_SPANS.hour;
  const begun = trendStart('hour', clock.now());
  const points = await store.trends.read({ span: 'hour', from: begun - ms, to: begun + ms });
  const counts = partsOfCounts(sumOfCounts(points.map((point) => point.counts)));
  return durationPercentiles(counts['duration'] ?? {}, shares);
}
