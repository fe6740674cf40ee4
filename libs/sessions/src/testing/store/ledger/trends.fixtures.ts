import {
  sumOfCounts,
  TREND_SPAN_NAMES,
  type TrendCounts,
  type TrendSpan,
} from '../../../domain/trends/trend.js';
import type { SessionStore } from '../../../ports/store/session-store.js';
import { DAY, NOW, same } from '../store.fixtures.js';

/** After every point of a case. */
export const LATER = NOW + 1000 * DAY;

export async function points(
  store: SessionStore,
  span: TrendSpan,
  from = 0,
): Promise<{ at: number; counts: TrendCounts }[]> {
  return store.trends.read({ span, from, to: LATER });
}

/** All that was counted has these counts, in each span. */
export async function counts(store: SessionStore, expected: TrendCounts): Promise<void> {
  for (const span of TREND_SPAN_NAMES) {
    const found = await points(store, span);
    same(sumOfCounts(found.map((point) => point.counts)), expected, span);
  }
}
