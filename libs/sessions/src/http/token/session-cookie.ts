import { isIP } from 'node:net';
import { Logger } from '@nestjs/common';
import type { SetCookie } from 'cookie';
import type { SessionsConfig } from '../../core/config/config.js';
import type { SessionToken } from '../../core/tokens/session-token.js';
import type { PlatformRequest, PlatformResponse } from '../platform-message.js';
import { readCookies, sendCookie } from './cookies.js';

/**
 * 1: the cookie of the client that the browser's session is bound to. 2: that of another client which presents the same cookies,
 * such as the same browser at another address; its name ends in `-2`, so that it does not replace the first.
 */
export type CookieSlot = 1 | 2;

/** Parent domains that a cookie is taken back from, at most. */
const MOST_DOMAINS = 8;

export type CookieSettings = Pick<SessionsConfig, 'cookieName' | 'cookieSameSite' | 'cookieDomain'>;

const DOMAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/;
const GONE = { value: '', maxAge: 0, expires: new Date(0) };

/** Reads the session cookie from requests and sets it on responses. */
export class SessionCookie {
  private readonly logger = new Logger('Sessions');
  private warned = false;

  private readonly names: Readonly<Record<'secure' | 'insecure', Readonly<Record<CookieSlot, string>>>>;

  constructor(private readonly settings: CookieSettings) {
    const { cookieName: insecure, cookieDomain } = settings;
    const secure = `${cookieDomain === null ? '__Host-' : '__Secure-'}${insecure}`;
    this.names = {
      secure: { 1: secure, 2: `${secure}-2` },
      insecure: { 1: insecure, 2: `${insecure}-2` },
    };
  }

  /**
   * All values of cookies with exactly the name for this kind of connection (secure or not). Look-alikes and the name
   * for the other kind do not count.
   */
  read(request: PlatformRequest, isSecure: boolean, slot: CookieSlot): readonly string[] {
    return readCookies(request, this.nameFor(isSecure, slot));
  }

  /** The first cookie with this token, as a client presents it. */
  pairOf(token: string, isSecure: boolean): string {
    return `${this.nameFor(isSecure, 1)}=${token}`;
  }

  /** Whether the request has a session cookie of either name, whatever its value. */
  isPresented(request: PlatformRequest, isSecure: boolean): boolean {
    return ([1, 2] as const).some((slot) => this.read(request, isSecure, slot).length > 0);
  }

  /**
   * Sets the client's token with this response, for so many seconds or, `null`, as long as the browser runs. `false` if the response
   * headers were already sent.
   */
  write(
    response: PlatformResponse,
    isSecure: boolean,
    slot: CookieSlot,
    token: SessionToken,
    keptSeconds: number | null,
  ): boolean {
    const value = token.reveal();
    return this.send(
      response,
      isSecure,
      slot,
      keptSeconds === null ? { value } : { value, maxAge: keptSeconds },
    );
  }

  /** Removes the client's token with this response. `false` if the response headers were already sent. */
  clear(response: PlatformResponse, isSecure: boolean, slot: CookieSlot): boolean {
    return this.send(response, isSecure, slot, GONE);
  }

  /** Removes the client's cookies of both names with this response, also those of every domain above `hostname`. */
  clearAll(response: PlatformResponse, isSecure: boolean, hostname: string | undefined): void {
    for (const slot of [1, 2] as const) {
      this.clear(response, isSecure, slot);
      // A cookie with the prefix `__Host-` has no domain.
      if (isSecure && this.settings.cookieDomain === null) continue;
      for (const domain of domainsOf(hostname)) this.send(response, isSecure, slot, { ...GONE, domain });
    }
  }

  private send(
    response: PlatformResponse,
    isSecure: boolean,
    slot: CookieSlot,
    content: Pick<SetCookie, 'value' | 'maxAge' | 'expires' | 'domain'>,
  ): boolean {
    const name = this.nameFor(isSecure, slot);
    return sendCookie(response, { name, ...this.attributesFor(isSecure), ...content });
  }

  /** Browsers accept `__Host-` cookies from this host alone, and both prefixes over a secure connection alone. */
  private nameFor(isSecure: boolean, slot: CookieSlot): string {
    return this.names[isSecure ? 'secure' : 'insecure'][slot];
  }

  private attributesFor(isSecure: boolean): Omit<SetCookie, 'name' | 'value'> {
    const { cookieSameSite, cookieDomain } = this.settings;
    return {
      path: '/',
      httpOnly: true,
      secure: isSecure,
      sameSite: isSecure ? cookieSameSite : this.insecureSameSite(),
      ...(cookieDomain === null ? {} : { domain: cookieDomain }),
    };
  }

  /** Browsers drop `SameSite=None` cookies of insecure connections; with `Lax` pages of the same site still work. */
  private insecureSameSite(): 'lax' | 'strict' {
    const { cookieSameSite } = this.settings;
    if (cookieSameSite !== 'none') return cookieSameSite;
    if (!this.warned) {
      this.warned = true;
      this.logger.warn(
        'SameSite=None (SESSION_COOKIE_SAMESITE) requires https: insecure connections get SameSite=Lax.',
      );
    }
    return 'lax';
  }
}

/** A host and the domains above it, without the top level. An address has none. */
function domainsOf(hostname: string | undefined): string[] {
  if (hostname === undefined || hostname.includes(':') || isIP(hostname) !== 0) return [];
  const labels = hostname.toLowerCase().split('.');
  const parents = labels.map((_, index) => labels.slice(index).join('.')).slice(0, -1);
  return parents.filter((domain) => DOMAIN.test(domain)).slice(-MOST_DOMAINS);
}
