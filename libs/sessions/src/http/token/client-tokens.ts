import type { SessionsConfig } from '../../core/config/config.js';
import type { SessionToken } from '../../core/tokens/session-token.js';
import type { TokenUse } from '../../core/tokens/token-codec.js';
import type { PlatformRequest, PlatformResponse } from '../platform-message.js';
import { SessionCookie, type CookieSlot, type CookieSettings } from './session-cookie.js';
import { TokenHeader } from './token-header.js';

/** Where a client keeps its token: in one of two cookies, or itself, as a bearer token. */
export type TokenSlot = CookieSlot | 'bearer';

/** How a client presents a token that it keeps there. */
export function useOf(slot: TokenSlot): TokenUse {
  return slot === 'bearer' ? slot : 'cookie';
}

/** Reads the tokens that clients present, and sends new ones where the option `tokenIn` wants them. */
export class ClientTokens {
  private readonly cookie: SessionCookie;
  private readonly header = new TokenHeader();

  constructor(private readonly config: CookieSettings & Pick<SessionsConfig, 'tokenIn'>) {
    this.cookie = new SessionCookie(config);
  }

  /** The bearer token of the request; `null` for none of ours, and if clients have cookies only. */
  bearerOf(request: PlatformRequest): string | null {
    return this.config.tokenIn === 'cookie' ? null : this.header.read(request);
  }

  /** The values of a cookie; none if clients have bearer tokens only. See `SessionCookie.read`. */
  cookiesOf(request: PlatformRequest, isSecure: boolean, slot: CookieSlot): readonly string[] {
    return this.config.tokenIn === 'header' ? [] : this.cookie.read(request, isSecure, slot);
  }

  /** Whether a browser may have presented the token by itself, on behalf of any page. */
  presentsCookie(request: PlatformRequest, isSecure: boolean): boolean {
    if (this.config.tokenIn === 'header' || this.bearerOf(request) !== null) return false;
    return this.cookie.isPresented(request, isSecure);
  }

  /** Whether the request has a bearer token of somebody else: it must not begin a session. */
  presentsForeign(request: PlatformRequest): boolean {
    return this.config.tokenIn !== 'cookie' && this.header.isForeign(request);
  }

  /** The header by which a client presents a token that it keeps in its first cookie. */
  cookieFor(token: string, isSecure: boolean): Record<string, string> {
    return { cookie: this.cookie.pairOf(token, isSecure) };
  }

  /** Whether the client of this request gets the token of a new session in a header. */
  wantsBearer(request: PlatformRequest): boolean {
    if (this.config.tokenIn !== 'both') return this.config.tokenIn === 'header';
    return this.header.read(request) !== null || this.header.asksForNew(request);
  }

  /**
   * Sends the client its token with this response. `keptSeconds`: how long its browser keeps the cookie; `null`: as long as it runs.
   * `false` if the response headers were already sent.
   */
  write(
    response: PlatformResponse,
    isSecure: boolean,
    slot: TokenSlot,
    token: SessionToken,
    keptSeconds: number | null = null,
  ): boolean {
    return slot === 'bearer'
      ? this.header.write(response, token)
      : this.cookie.write(response, isSecure, slot, token, keptSeconds);
  }

  /** Takes the client's cookie back with this response. A bearer token that the client has cannot be taken back. */
  clear(response: PlatformResponse, isSecure: boolean, slot: TokenSlot): void {
    if (slot === 'bearer') this.header.clear(response);
    else this.cookie.clear(response, isSecure, slot);
  }

  /** See `SessionCookie.clearAll`. */
  clearAll(response: PlatformResponse, isSecure: boolean, hostname: string | undefined): void {
    this.cookie.clearAll(response, isSecure, hostname);
  }
}
