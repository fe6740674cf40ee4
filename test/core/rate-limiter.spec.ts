import { RateLimiter, type WhileAway } from '#sessions/core/rates/rate-limiter';
import type { RateCount, RateEvent } from '#sessions/domain/rates/rate-count';
import { RecentRates } from '#sessions/domain/rates/recent-rates';
import { SessionsError } from '#sessions/domain/errors';
import { ManualClock } from '#sessions/testing/manual-clock';

class Rates {
  isAway = false;
  asked = 0;
  private readonly rates = new RecentRates();
  async count(event: RateEvent): Promise<RateCount> {
    this.asked += 1;
    if (this.isAway) throw new SessionsError('STORE_UNAVAILABLE', 'away');
    return this.rates.count(event);
  }
}

describe('Rate limits while the store does not answer', () => {
  const warnings: string[] = [];
  const log = { debug() {}, log() {}, error() {}, warn: (line: string) => void warnings.push(line) };
  let rates: Rates;
  let clock: ManualClock;
  const limiterThat = (whileAway: WhileAway): RateLimiter => new RateLimiter(rates, clock, log, whileAway);
  const event = { key: 'a', limit: 2, windowMs: 60_000, blockMs: null };
  const passes = async (limiter: RateLimiter): Promise<boolean> =>
    (await limiter.count(event)).retryAfterMs === null;

  beforeEach(() => {
    rates = new Rates();
    clock = new ManualClock();
    warnings.length = 0;
  });

  it('hold in this process, which asks once a second and warns once a minute', async () => {
    const limiter = limiterThat('memory');
    rates.isAway = true;
    const passed = [];
    for (let n = 0; n < 4; n += 1) passed.push(await passes(limiter));
    expect(passed).toEqual([true, true, false, false]);
    expect(rates.asked).toBe(1);
    clock.advance(1000);
    expect(await passes(limiter)).toBe(false);
    expect(rates.asked).toBe(2);
    expect(warnings).toEqual([
      'The store does not count for rate limits, this process counts for itself: SessionsError: away',
    ]);
    rates.isAway = false;
    clock.advance(1000);
    expect([await passes(limiter), rates.asked]).toEqual([true, 3]);
  });

  it('are none, where that is asked for', async () => {
    const limiter = limiterThat('allow');
    rates.isAway = true;
    expect(await Promise.all(Array.from({ length: 5 }, () => passes(limiter)))).toEqual(Array(5).fill(true));
    expect(warnings[0]).toContain('nothing is limited');
  });

  it('are an error, where that is asked for, each time', async () => {
    const limiter = limiterThat('refuse');
    rates.isAway = true;
    for (let n = 0; n < 2; n += 1)
      await expect(limiter.count(event)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(rates.asked).toBe(2);
  });

  it('begin anew with another window', async () => {
    const limiter = limiterThat('memory');
    expect([await passes(limiter), await passes(limiter), await passes(limiter)]).toEqual([
      true,
      true,
      false,
    ]);
    expect((await limiter.count({ ...event, windowMs: 1000 })).retryAfterMs).toBeNull();
  });
});
