import type { RateCount, RateEvent } from '../../domain/rates/rate-count.js';
import { RecentRates } from '../../domain/rates/recent-rates.js';
import type { Clock } from '../../ports/clock.js';
import type { RatesGroup } from '../../ports/rates.js';
import { describeError, type Log } from '../watch/log.js';

/** After the store did not answer it is not asked for so long: no request waits for it meanwhile. */
const AWAY_MS = 1000;
const WARNED_EVERY_MS = 60_000;

/** What happens to events while the store is away: they are counted in this process alone, let in, or the error is thrown. */
export type WhileAway = 'memory' | 'allow' | 'refuse';

/** Counts events over all processes of the store, in which each key has one window for all its events. */
export class RateLimiter {
  private readonly recent = new RecentRates();
  private askedAgainAt = Number.NEGATIVE_INFINITY;
  private warnedAgainAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly rates: RatesGroup,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly whileAway: WhileAway,
  ) {}

  /** @throws SessionsError `STORE_UNAVAILABLE` if the store is away, and that refuses events */
  async count(given: Omit<RateEvent, 'at'>): Promise<RateCount> {
    // A changed window begins anew.
    const event = { ...given, key: `${given.windowMs}:${given.key}`, at: this.clock.now() };
    if (this.whileAway !== 'refuse' && this.clock.monotonic() < this.askedAgainAt)
      return this.countAway(event);
    try {
      return await this.rates.count(event);
    } catch (error) {
      if (this.whileAway === 'refuse') throw error;
      this.askedAgainAt = this.clock.monotonic() + AWAY_MS;
      this.warn(error);
      return this.countAway(event);
    }
  }

  private countAway(event: RateEvent): RateCount {
    if (this.whileAway === 'memory') return this.recent.count(event);
    return { retryAfterMs: null, events: 0, resetMs: event.windowMs };
  }

  private warn(error: unknown): void {
    const now = this.clock.monotonic();
    if (now < this.warnedAgainAt) return;
    this.warnedAgainAt = now + WARNED_EVERY_MS;
    const meanwhile = this.whileAway === 'memory' ? 'this process counts for itself' : 'nothing is limited';
    this.log.warn(`The store does not count for rate limits, ${meanwhile}: ${describeError(error)}`);
  }
}
