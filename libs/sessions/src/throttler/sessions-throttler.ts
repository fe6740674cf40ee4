import { Inject, Injectable, Logger, type ExecutionContext } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { networkOf } from '../core/config/client-address.js';
import { SessionsCore } from '../core/core.js';
import { RateLimiter, type WhileAway } from '../core/rates/rate-limiter.js';
import { addressOf } from '../http/client/client-reader.js';
import type { PlatformRequest } from '../http/platform-message.js';
import { SessionResolver } from '../http/session/session-resolver.js';

/** With times in whole seconds. */
type Hit = Awaited<ReturnType<ThrottlerStorage['increment']>>;

export interface SessionsThrottlerOptions {
  /**
   * What happens while the store does not answer. `memory` (default): each process counts for itself; `allow`: nothing is
   * limited; `refuse`: limited routes answer 503.
   */
  readonly whileAway?: WhileAway;
}

export const THROTTLER_OPTIONS = Symbol('nest-sessions throttler options');

/**
 * Rate limits of `@nestjs/throttler` that hold over all processes of the session store: in no window of `ttl`, wherever it
 * begins, more than `limit` requests pass. One that is refused does not count. With a `blockDuration` other than `ttl` a client
 * stays refused for so long.
 */
@Injectable()
export class SessionsThrottler implements ThrottlerStorage {
  private readonly limiter: RateLimiter;

  constructor(
    @Inject(SessionsCore) core: SessionsCore,
    @Inject(SessionResolver) private readonly resolver: SessionResolver,
    @Inject(THROTTLER_OPTIONS) { whileAway = 'memory' }: SessionsThrottlerOptions,
  ) {
    this.limiter = new RateLimiter(core.store.rates, core.clock, new Logger('SessionsThrottler'), whileAway);
  }

  /** @throws SessionsError `STORE_UNAVAILABLE` with `whileAway: 'refuse'` */
  async increment(key: string, ttl: number, limit: number, blockDuration: number): Promise<Hit> {
    const blockMs = blockDuration > 0 && blockDuration !== ttl ? blockDuration : null;
    const count = await this.limiter.count({ key, limit, windowMs: ttl, blockMs });
    if (count.retryAfterMs === null) {
      const { events, resetMs } = count;
      return { totalHits: events, timeToExpire: seconds(resetMs), isBlocked: false, timeToBlockExpire: 0 };
    }
    const wait = seconds(count.retryAfterMs);
    return { totalHits: limit + 1, timeToExpire: wait, isBlocked: true, timeToBlockExpire: wait };
  }

  /**
   * For the throttler's `getTracker`: requests count by the session whose token they present, the others by their network, since a
   * client without a token would be a new one each time. Opens no session.
   */
  readonly getTracker = async (request: object, context: ExecutionContext): Promise<string> => {
    const id = context.getType() === 'http' ? await this.presentedBy(context) : null;
    return id === null ? `network ${networkOf(addressOf(request as PlatformRequest))}` : `session ${id}`;
  };

  /** While the store is away nobody knows whose token it is; the request then fails where it needs its session. */
  private async presentedBy(context: ExecutionContext): Promise<string | null> {
    try {
      return await this.resolver.presentedIn(context);
    } catch {
      return null;
    }
  }
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
