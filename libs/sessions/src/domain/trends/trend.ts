const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The steps in which trends are counted, and how long each is kept. */
export const TREND_SPANS = {
  minute: { ms: MINUTE_MS, keptMs: 48 * HOUR_MS },
  hour: { ms: HOUR_MS, keptMs: 30 * DAY_MS },
  day: { ms: DAY_MS, keptMs: 400 * DAY_MS },
} as const;
export type TrendSpan = keyof typeof TREND_SPANS;
export const TREND_SPAN_NAMES = Object.keys(TREND_SPANS) as readonly TrendSpan[];

/** The beginning of the minute, hour or day (UTC) that an instant is in. */
export function trendStart(span: TrendSpan, at: number): number {
  const { ms } = TREND_SPANS[span];
  return Math.floor(at / ms) * ms;
}

/**
 * Counts of one minute, hour or day, by name; a name that is missing counts 0.
 *
 * Of deeds, counted by the store in the same step: `opened`, `logins`, `ended:<reason>`, `duration:<bucket>` of ended sessions,
 * `files:<type>` and `bytes:<type>` that took their places, `evicted`. Of processes: `requests`, `refused:<reason>` (sessions),
 * `refused_file:<reason>`, `cleaned`, `cleanup_failures`. Names that begin with `peak_` are the largest value that a process saw, not
 * sums: `peak_open`, `peak_users`.
 */
export type TrendCounts = Readonly<Record<string, number>>;

export interface TrendPoint {
  /** The beginning, in epoch milliseconds. */
  readonly at: number;
  readonly counts: TrendCounts;
}

export function isPeak(name: string): boolean {
  return name.startsWith('peak_');
}

/** Neighbouring buckets differ by 10 %, so that the middle of one is within 5 % of all in it. */
const RATIO = 1.1;

/** The bucket of a duration in milliseconds; 0: less than one. */
export function durationBucket(ms: number): number {
  return ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) / Math.log(RATIO));
}

/** The middle of a bucket, in milliseconds. */
export function bucketMs(bucket: number): number {
  return bucket <= 0 ? 0 : RATIO ** (bucket - 0.5);
}

/** A percentile (0 to 1) of the durations that these counts have, within 5 %, in milliseconds; `null` for none. */
export function durationPercentile(counts: TrendCounts, share: number): number | null {
  const buckets = Object.entries(counts)
    .filter(([name]) => name.startsWith('duration:'))
    .map(([name, count]) => ({ bucket: Number(name.slice('duration:'.length)), count }))
    .toSorted((a, b) => a.bucket - b.bucket);
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  for (const { bucket, count } of buckets) {
    seen += count;
    if (seen >= share * total) return bucketMs(bucket);
  }
  return bucketMs(buckets.at(-1)?.bucket ?? 0);
}

/** The counts of several points together. */
export function sumOfCounts(all: readonly TrendCounts[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) {
      const known = sum[name] ?? 0;
      sum[name] = isPeak(name) ? Math.max(known, count) : known + count;
    }
  }
  return sum;
}
