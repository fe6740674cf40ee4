import type { TokenCarrier } from '../../core/handles/token-carrier.js';
import type { Session } from '../../core/handles/session.js';
import type { SessionToken } from '../../core/tokens/session-token.js';
import type { TokenUse } from '../../core/tokens/token-codec.js';
import type { ClientTokens } from '../../http/token/client-tokens.js';

/** What a client of a test presents. */
export interface Presentation {
  readonly tokens: ClientTokens;
  readonly token: SessionToken;
  readonly userAgent: string;
  readonly isSecure: boolean;
  readonly use: TokenUse;
}

/** A live session for a test, and what presents it: see `testSession`. */
export interface TestSession {
  /** As `@CurrentSession()` passes it to a handler. Each `get` reads the store, so that it sees what requests have written. */
  readonly session: Session;
  /** The secret that its client presents. A later login with `session` replaces it, as in a browser. */
  readonly token: string;
  /** The value of the header `Cookie`: `sid=…`. Empty with `tokenIn: 'header'`. */
  readonly cookie: string;
  /** The headers of its client's requests: the token, and the user agent that the session is bound to. */
  readonly headers: Record<string, string>;
}

/** A client that keeps the tokens of its session as a browser does. */
export class TestClient implements TestSession, TokenCarrier {
  private current: SessionToken;

  constructor(
    readonly session: Session,
    private readonly presentation: Presentation,
  ) {
    this.current = presentation.token;
    session.carryTokensBy(this);
  }

  get token(): string {
    return this.current.reveal();
  }

  get cookie(): string {
    return this.headers['cookie'] ?? '';
  }

  get headers(): Record<string, string> {
    const { tokens, isSecure, use, userAgent } = this.presentation;
    const presented =
      use === 'bearer' ? { authorization: `Bearer ${this.token}` } : tokens.cookieFor(this.token, isSecure);
    return { ...presented, 'user-agent': userAgent };
  }

  get use(): TokenUse {
    return this.presentation.use;
  }

  carry(token: SessionToken): void {
    this.current = token;
  }

  sent(): Promise<void> {
    return Promise.resolve();
  }

  /** The token of an ended session stays: a test may present it. */
  clear(): void {}
}
