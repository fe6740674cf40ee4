import { Logger } from '@nestjs/common';
import { parseCookie, stringifySetCookie, type SetCookie } from 'cookie';
import type { SessionsConfig } from '../../core/config/config.js';
import type { SessionToken } from '../../core/handles/session-token.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { setPrivateCookie } from './private-response.js';

type CookieSettings = Pick<SessionsConfig, 'cookieName' | 'cookieSameSite' | 'cookieDomain'>;

const UNDECODED = { decode: (value: string): string => value };

/** Reads the session cookie from requests and sets it on responses. */
export class SessionCookie {
  private readonly logger = new Logger('Sessions');
  private warned = false;

  constructor(private readonly settings: CookieSettings) {}

  /**
   * All values of cookies with exactly the name for this kind of connection (secure or not). Look-alikes and the name
   * for the other kind do not count.
   */
  read(request: PlatformRequest, isSecure: boolean): string[] {
    const header = nodeRequest(request).headers.cookie;
    if (header === undefined) return [];
    const name = this.nameFor(isSecure);
    // Pair by pair: the parser keeps only the first of two cookies with one name. Other cookies need no parsing.
    const values: string[] = [];
    for (const pair of header.split(';')) {
      const value = pair.includes(name) ? parseCookie(pair, UNDECODED)[name] : undefined;
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  /** Sets the client's token with this response. `false` if the response headers were already sent. */
  write(response: PlatformResponse, isSecure: boolean, token: SessionToken): boolean {
    return this.send(response, isSecure, { value: token.reveal() });
  }

  /** Removes the client's token with this response. `false` if the response headers were already sent. */
  clear(response: PlatformResponse, isSecure: boolean): boolean {
    return this.send(response, isSecure, { value: '', maxAge: 0, expires: new Date(0) });
  }

  private send(
    response: PlatformResponse,
    isSecure: boolean,
    content: Pick<SetCookie, 'value' | 'maxAge' | 'expires'>,
  ): boolean {
    const node = nodeResponse(response);
    if (node.headersSent) return false;
    const name = this.nameFor(isSecure);
    const line = stringifySetCookie({ name, ...content, ...this.attributesFor(isSecure) });
    setPrivateCookie(node, name, line);
    return true;
  }

  /** Browsers accept `__Host-` cookies from this host alone, and both prefixes over a secure connection alone. */
  private nameFor(isSecure: boolean): string {
    const { cookieName, cookieDomain } = this.settings;
    if (!isSecure) return cookieName;
    return cookieDomain === null ? `__Host-${cookieName}` : `__Secure-${cookieName}`;
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
