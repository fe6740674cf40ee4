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
export const DURATION_RATIO = 1.1;

/** The bucket of a duration in milliseconds; 0: less than one. */
export function durationBucket(ms: number): number {
  return ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) / Math.log(DURATION_RATIO));
}

/** The middle of a bucket, in milliseconds. */
export function bucketMs(bucket: number): number {
  return bucket <= 0 ? 0 : DURATION_RATIO ** (bucket - 0.5);
}

/** Counts by what follows the colon of their names: of `ended:idle`, `ended` has `idle`. Names without a colon are left out. */
export function partsOfCounts(counts: TrendCounts): Readonly<Partial<Record<string, TrendCounts>>> {
  const parts: Record<string, Record<string, number>> = {};
  for (const [name, count] of Object.entries(counts)) {
    const colon = name.indexOf(':');
    if (colon > 0) (parts[name.slice(0, colon)] ??= {})[name.slice(colon + 1)] = count;
  }
  return parts;
}

/** Percentiles (0 to 1) of the durations in these buckets, within 5 %, in milliseconds; each `null` if there are none. */
export function durationPercentiles(
  buckets: TrendCounts,
  shares: readonly number[],
): readonly (number | null)[] {
  // Whole numbers as keys come in ascending order.
  const entries = Object.entries(buckets);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  return shares.map((share) => {
    let seen = 0;
    const reached = entries.find(([, count]) => count > 0 && (seen += count) >= share * total);
    return reached ? bucketMs(Number(reached[0])) : null;
  });
}

/** The counts of several points together. */
export function sumOfCounts(all: readonly TrendCounts[]): Record<string, number> {
  const sum = new Map<string, number>();
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) {
      const known = sum.get(name) ?? 0;
      sum.set(name, isPeak(name) ? Math.max(known, count) : known + count);
    }
  }
  return Object.fromEntries(sum);
}
