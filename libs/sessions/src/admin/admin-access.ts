import { Inject, Injectable, Logger } from '@nestjs/common';
import { networkOf } from '../core/config/client-address.js';
import type { SessionsConfig } from '../core/config/config.js';
import { SecretMatcher } from '../core/config/secret-matcher.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';
import { Clock } from '../ports/clock.js';
import { FailedAttempts } from './failed-attempts.js';

/** `off`: no admin token is configured, so there are no admin routes. */
export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'off' }
  | { readonly kind: 'locked'; readonly retryAfterSeconds: number };

/** Checks admin tokens. One instance per application, so that failures on all guarded routes count together. */
@Injectable()
export class AdminAccess {
  private readonly logger = new Logger('SessionsAdmin');
  private readonly tokens: SecretMatcher | null;
  private readonly failures: FailedAttempts;

  constructor(@Inject(SESSIONS_CONFIG) { adminTokens }: SessionsConfig, @Inject(Clock) clock: Clock) {
    this.tokens = adminTokens.length > 0 ? new SecretMatcher(adminTokens) : null;
    this.failures = new FailedAttempts(clock);
  }

  /** A right token is admitted always. A wrong one counts against the network of `address`, a client's or its proxy's. */
  admit(presented: unknown, address: string): Admission {
    if (!this.tokens) return { kind: 'off' };
    if (this.tokens.matches(presented)) return { kind: 'admitted' };
    const network = networkOf(address);
    const lockedForMs = this.failures.lockedForMs(network);
    if (lockedForMs > 0) return { kind: 'locked', retryAfterSeconds: Math.ceil(lockedForMs / 1000) };
    if (this.failures.add(network)) this.logger.warn(`Too many wrong admin tokens from ${network}`);
    return { kind: 'refused' };
  }
}
