import { Inject, Injectable, Logger } from '@nestjs/common';
import { networkOf } from '../../core/config/client-address.js';
import type { SessionsConfig } from '../../core/config/config.js';
import { SecretMatcher } from '../../core/config/secret-matcher.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import { SessionsCore } from '../../core/core.js';
import { RateLimiter } from '../../core/rates/rate-limiter.js';
import type { PlatformRequest } from '../../http/platform-message.js';
import type { AdminCredential } from './admin-credential.js';
import { WrongTokenCounter } from './wrong-token-counter.js';

/** Wrong tokens of a network in any minute; more are refused unread. */
const MAX_FAILURES = 10;
const MINUTE_MS = 60_000;

/** `off`: no admin token is configured, so there are no admin routes. */
export type Admission =
  | ({ readonly kind: 'admitted' } & AdminCredential)
  | { readonly kind: 'refused' }
  | { readonly kind: 'off' }
  | { readonly kind: 'locked'; readonly retryAfterSeconds: number };

/**
 * Another way than the header `X-Admin-Token` to say who sends a request. `null`: the request does not say it in this way. A
 * reader that refuses a request throws.
 */
export type CredentialReader = (
  request: PlatformRequest,
) => AdminCredential | null | Promise<AdminCredential | null>;

/** Checks admin tokens. Failures on all guarded routes, in all processes, count together. */
@Injectable()
export class AdminAccess {
  private readonly logger = new Logger('SessionsAdmin');
  private readonly fullTokens: SecretMatcher;
  private readonly readTokens: SecretMatcher;
  private readonly readers: CredentialReader[] = [];
  private readonly failures: RateLimiter;
  private readonly wrongTokens: WrongTokenCounter;
  /** Whether there are admin routes. */
  readonly isOn: boolean;

  constructor(
    @Inject(SESSIONS_CONFIG) { adminTokens, adminReadTokens }: SessionsConfig,
    @Inject(SessionsCore) core: SessionsCore,
  ) {
    const { store, clock } = core;
    this.fullTokens = new SecretMatcher(adminTokens);
    this.readTokens = new SecretMatcher(adminReadTokens);
    this.isOn = adminTokens.length + adminReadTokens.length > 0;
    this.failures = new RateLimiter(store.rates, clock, this.logger, 'memory');
    this.wrongTokens = new WrongTokenCounter(core, this.logger);
  }

  /** Lets requests without the header say by `reader` who sends them. Readers are asked in this order. */
  readAlso(reader: CredentialReader): void {
    this.readers.push(reader);
  }

  /** Admits a request by its header, which wins, or by what another reader finds. */
  async admitRequest(request: PlatformRequest, address: string): Promise<Admission> {
    const token = request.headers['x-admin-token'];
    if (!this.isOn || token !== undefined) return this.admit(token, address);
    for (const reader of this.readers) {
      const credential = await reader(request);
      if (credential) return { kind: 'admitted', ...credential };
    }
    return this.admit(undefined, address);
  }

  /**
   * A right token is admitted always. A missing or wrong one counts against the network of `address`, a client's or its proxy's; a
   * wrong one is in the audit too.
   */
  async admit(presented: unknown, address: string): Promise<Admission> {
    if (!this.isOn) return { kind: 'off' };
    const credential = this.credentialOf(presented);
    if (credential) return { kind: 'admitted', ...credential };
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

  /** Compares with all tokens, whichever matches. `null`: it is none. */
  private credentialOf(presented: unknown): AdminCredential | null {
    const [full, read] = [this.fullTokens.keyIdOf(presented), this.readTokens.keyIdOf(presented)];
    if (full !== null) return { keyId: full, access: 'full' };
    return read === null ? null : { keyId: read, access: 'read' };
  }
}
