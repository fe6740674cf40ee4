import * as fc from 'fast-check';
import {
  emptyAt,
  type RateCount,
  type RateEvent,
  countRate,
  type RateState,
} from '#sessions/domain/rates/rate-count';
import { slotMsOf } from '#sessions/domain/rates/rate-ring';
import { RecentRates } from '#sessions/domain/rates/recent-rates';

const T0 = 1_800_000_000_000;
const event = (given: Partial<RateEvent> = {}): RateEvent => ({
  key: 'a',
  at: T0,
  limit: 2,
  windowMs: 60_000,
  blockMs: null,
  ...given,
});

function passes(count: RateCount): boolean {
  return count.retryAfterMs === null;
}

describe('A rate', () => {
  it('has no more events in any window of any length than its limit', () => {
    const windows = fc.constantFrom(1, 11, 1000, 1001, 60_000, 86_400_000);
    const shares = fc.array(fc.constantFrom(0, 0.01, 1 / 12, 0.5, 11 / 12, 0.99, 1, 13 / 12, 3), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(windows, shares, fc.integer({ min: 1, max: 5 }), (windowMs, gaps, limit) => {
        const rates = new RecentRates();
        const passed: number[] = [];
        let at = T0;
        for (const share of gaps) {
          at += Math.round(share * windowMs);
          if (passes(rates.count(event({ at, windowMs, limit })))) passed.push(at);
        }
        for (const from of passed)
          expect(passed.filter((one) => one >= from && one < from + windowMs).length).toBeLessThanOrEqual(
            limit,
          );
      }),
      { numRuns: 1000 },
    );
  });

  it('lets one more in when its wait is over, and not a millisecond before', () => {
    const rates = new RecentRates();
    rates.count(event());
    rates.count(event({ at: T0 + 20_000 }));
    const refused = rates.count(event({ at: T0 + 30_000 }));
    expect(refused).toEqual({ retryAfterMs: 35_000 });
    expect(passes(rates.count(event({ at: T0 + 64_999 })))).toBe(false);
    expect(rates.count(event({ at: T0 + 65_000 }))).toEqual({
      retryAfterMs: null,
      events: 2,
      resetMs: 20_000,
    });
  });

  it('with a block refuses for so long from the first that was refused, and begins with it again', () => {
    const rates = new RecentRates();
    const at = (ms: number): RateCount => rates.count(event({ at: T0 + ms, limit: 1, blockMs: 300_000 }));
    expect(passes(at(0))).toBe(true);
    expect(at(1000)).toEqual({ retryAfterMs: 300_000 });
    expect(at(200_000)).toEqual({ retryAfterMs: 101_000 });
    expect(passes(at(301_000))).toBe(true);
    expect(at(302_000)).toEqual({ retryAfterMs: 300_000 });
  });

  it('forgets a block of a future that a clock no longer tells of', () => {
    const rates = new RecentRates();
    const at = (ms: number): RateCount => rates.count(event({ at: T0 + ms, limit: 1, blockMs: 1000 }));
    at(900_000_000);
    expect(at(900_000_000)).toEqual({ retryAfterMs: 1000 });
    expect(passes(at(0))).toBe(true);
  });

  it('is empty no sooner than it counts nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 20 }), (gaps) => {
        let state: RateState | null = null;
        let at = T0;
        for (const gap of gaps) {
          at += gap;
          state = countRate(state, event({ at, blockMs: 90_000 })).changed ?? state;
        }
        const end = emptyAt(state!, 60_000);
        expect(end).toBeGreaterThan(at);
        expect(countRate(state, event({ at: end, limit: 1 })).count.retryAfterMs).toBeNull();
      }),
    );
  });

  it('of whole windows has slots that cover them', () => {
    expect([1, 12, 13, 60_000].map(slotMsOf)).toEqual([1, 1, 2, 5000]);
  });
});

describe('The recent rates of a process', () => {
  it('forget the key that was counted longest ago', () => {
    const rates = new RecentRates(2);
    const count = (key: string): boolean => passes(rates.count(event({ key, limit: 1 })));
    expect([count('a'), count('b'), count('a'), count('c')]).toEqual([true, true, false, true]);
    expect([count('a'), count('b')]).toEqual([false, true]);
  });
});
