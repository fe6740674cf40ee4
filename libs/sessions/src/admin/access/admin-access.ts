import { Inject, Injectable, Logger } from '@nestjs/common';
import { networkOf } from '../../core/config/client-address.js';
import type { SessionsConfig } from '../../core/config/config.js';
import { SecretMatcher } from '../../core/config/secret-matcher.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import { SessionsCore } from '../../core/core.js';
import { RateLimiter } from '../../core/rates/rate-limiter.js';
import { WrongTokenCounter } from './wrong-token-counter.js';

/** Wrong tokens of a network in any minute; more are refused unread. */
const MAX_FAILURES = 10;
const MINUTE_MS = 60_000;

/** `off`: no admin token is configured, so there are no admin routes. */
export type Admission =
  /** `keyId`: the first 8 hex digits of the token's SHA-256. */
  | { readonly kind: 'admitted'; readonly keyId: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'off' }
  | { readonly kind: 'locked'; readonly retryAfterSeconds: number };

/** Checks admin tokens. Failures on all guarded routes, in all processes, count together. */
@Injectable()
export class AdminAccess {
  private readonly logger = new Logger('SessionsAdmin');
  private readonly tokens: SecretMatcher | null;
  private readonly failures: RateLimiter;
  private readonly wrongTokens: WrongTokenCounter;

  constructor(
    @Inject(SESSIONS_CONFIG) { adminTokens }: SessionsConfig,
    @Inject(SessionsCore) core: SessionsCore,
  ) {
    const { store, clock } = core;
    this.tokens = adminTokens.length > 0 ? new SecretMatcher(adminTokens) : null;
    this.failures = new RateLimiter(store.rates, clock, this.logger, 'memory');
    this.wrongTokens = new WrongTokenCounter(core, this.logger);
  }

  /**
   * A right token is admitted always. A missing or wrong one counts against the network of `address`, a client's or its proxy's; a
   * wrong one is in the audit too.
   */
  async admit(presented: unknown, address: string): Promise<Admission> {
    if (!this.tokens) return { kind: 'off' };
    const keyId = this.tokens.keyIdOf(presented);
    if (keyId !== null) return { kind: 'admitted', keyId };
    const network = networkOf(address);
    if (presented !== undefined) this.wrongTokens.add(network);
    const failure = await this.failures.count({
      key: `admin:${network}`,
      limit: MAX_FAILURES,
      windowMs: MINUTE_MS,
      blockMs: null,
    });
    if (failure.retryAfterMs !== null)
      return { kind: 'locked', retryAfterSeconds: Math.ceil(failure.retryAfterMs / 1000) };
    if (failure.events === MAX_FAILURES) this.logger.warn(`Too many wrong admin tokens from ${network}`);
    return { kind: 'refused' };
  }
}
