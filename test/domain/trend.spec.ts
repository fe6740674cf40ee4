import fc from 'fast-check';
import {
  bucketMs,
  durationBucket,
  durationPercentiles,
  partsOfCounts,
  sumOfCounts,
  TREND_SPAN_NAMES,
  TREND_SPANS,
  trendStart,
} from '#sessions/domain/trends/trend';

/** A session may last a year. */
const DURATIONS = fc.integer({ min: 0, max: 365 * 24 * 3_600_000 });
const COUNTS = fc.dictionary(
  fc.constantFrom('opened', 'ended:idle', 'bytes:file', 'duration:7', 'peak_open', 'peak_users'),
  fc.nat(1e9),
);

function within5Percent(ms: number, exact: number): boolean {
  return Math.abs(ms - exact) <= 0.05 * exact;
}

function percentile(durations: readonly number[], share: number): number | null | undefined {
  const counts = sumOfCounts(durations.map((ms) => ({ [`duration:${durationBucket(ms)}`]: 1 })));
  return durationPercentiles(partsOfCounts(counts)['duration'] ?? {}, [share])[0];
}

describe('The buckets of durations', () => {
  it('have a middle within 5 % of all that is in them', () => {
    fc.assert(fc.property(DURATIONS, (ms) => within5Percent(bucketMs(durationBucket(ms)), ms)));
    for (let ms = 0; ms < 20_000; ms += 1)
      expect([ms, within5Percent(bucketMs(durationBucket(ms)), ms)]).toEqual([ms, true]);
  });

  it('are in the order of the durations, and few', () => {
    fc.assert(fc.property(DURATIONS, DURATIONS, (a, b) => a > b || durationBucket(a) <= durationBucket(b)));
    expect(durationBucket(365 * 24 * 3_600_000)).toBeLessThan(260);
  });

  it('have one for less than a millisecond', () => {
    expect([0, 0.9, 1].map(durationBucket)).toEqual([0, 0, 1]);
    expect(bucketMs(0)).toBe(0);
  });
});

describe('A percentile of durations', () => {
  it('is within 5 % of the exact one', () => {
    const shares = fc.oneof(
      fc.constantFrom(0, 0.5, 0.9, 0.99, 1),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(DURATIONS, { minLength: 1, maxLength: 300 }), shares, (durations, share) => {
        const sorted = durations.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
        expect(within5Percent(percentile(durations, share)!, exact)).toBe(true);
      }),
    );
  });

  it('is null if there are none', () => {
    expect(durationPercentiles({}, [0, 0.5, 1])).toEqual([null, null, null]);
    expect(durationPercentiles({ 7: 0 }, [0.5])).toEqual([null]);
  });
});

describe('The parts of counts', () => {
  it('are those whose names begin alike', () => {
    const parts = partsOfCounts({ opened: 1, 'ended:idle': 2, 'ended:admin': 3, 'bytes:file': 4 });
    expect(parts).toEqual({ ended: { idle: 2, admin: 3 }, bytes: { file: 4 } });
  });
});

describe('The sum of counts', () => {
  it('adds each name, and takes the largest of a peak', () => {
    const sum = sumOfCounts([{ opened: 1, peak_open: 7 }, { opened: 2, logins: 1, peak_open: 3 }, {}]);
    expect(sum).toEqual({ opened: 3, logins: 1, peak_open: 7 });
  });

  it('does not depend on the order, nor on what was summed before', () => {
    fc.assert(
      fc.property(fc.array(COUNTS), fc.array(COUNTS), (some, others) => {
        const whole = sumOfCounts([...some, ...others]);
        expect(sumOfCounts([sumOfCounts(others), sumOfCounts(some)])).toEqual(whole);
      }),
    );
  });
});

describe('The minute, hour or day of an instant', () => {
  it('contains it, in UTC', () => {
    const instants = fc.integer({ min: 0, max: 4e12 });
    fc.assert(
      fc.property(fc.constantFrom(...TREND_SPAN_NAMES), instants, (span, at) => {
        const start = trendStart(span, at);
        expect(start).toBeLessThanOrEqual(at);
        expect(start + TREND_SPANS[span].ms).toBeGreaterThan(at);
        expect(trendStart(span, start)).toBe(start);
      }),
    );
    const at = Date.parse('2026-11-29T23:59:59.999Z');
    const starts = TREND_SPAN_NAMES.map((span) => new Date(trendStart(span, at)).toISOString());
    expect(starts).toEqual([
      '2026-11-29T23:59:00.000Z',
      '2026-11-29T23:00:00.000Z',
      '2026-11-29T00:00:00.000Z',
    ]);
  });
});
