import type { SessionsCore } from '../../core/core.js';
import { SessionsError } from '../../domain/errors.js';
import { TREND_SPANS, trendStart, type TrendPoint, type TrendSpan } from '../../domain/trends/trend.js';
import type { TrendQuery } from '../../ports/record/trends.js';

const MOST_POINTS = 3000;
/** Points of a range whose beginning is not given. */
const LATEST = { minute: 60, hour: 24, day: 30 } as const;

/** What was asked for; `null` for what was not given. */
export interface TrendsRange {
  readonly span: TrendSpan;
  readonly from: number | null;
  readonly to: number | null;
}

/** A point for each minute, hour or day from `from` to `to`, also for those without counts. */
export interface Trends extends TrendQuery {
  readonly points: readonly TrendPoint[];
}

/**
 * The points that touch a range. Those that are not kept any more, or have not begun, are left out. Default: the latest 60 minutes,
 * 24 hours or 30 days, up to now. Rejects if the store does not answer.
 * @throws SessionsError `INVALID_ARGUMENT`: the range ends before it begins, or has more than 3,000 points
 */
export async function readTrends(
  { store, clock }: Pick<SessionsCore, 'store' | 'clock'>,
  range: TrendsRange,
): Promise<Trends> {
  const query = queryFor(range, clock.now());
  const counted = new Map((await store.trends.read(query)).map(({ at, counts }) => [at, counts]));
  const points: TrendPoint[] = [];
  for (let at = query.from; at < query.to; at += TREND_SPANS[query.span].ms) {
    points.push({ at, counts: counted.get(at) ?? {} });
  }
  return { ...query, points };
}

function queryFor({ span, from, to }: TrendsRange, now: number): TrendQuery {
  const { ms, keptMs } = TREND_SPANS[span];
  const endsAt = trendStart(span, now) + ms;
  const last = to === null ? endsAt : trendStart(span, to + ms - 1);
  const first = from === null ? last - LATEST[span] * ms : trendStart(span, from);
  const count = (last - first) / ms;
  if (count < 0)
    throw new SessionsError('INVALID_ARGUMENT', 'The range of the trends ends before it begins.');
  if (count > MOST_POINTS) {
    throw new SessionsError(
      'INVALID_ARGUMENT',
      `The range has ${count} points of one ${span}, more than ${MOST_POINTS}: choose a shorter range or a longer span.`,
    );
  }
  const until = Math.min(last, endsAt);
  return { span, from: Math.min(Math.max(first, endsAt - keptMs), until), to: until };
}
