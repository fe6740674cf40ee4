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

const AS_THEY_ARE = { decode: (value: string): string => value };

/** The cookie that carries the token: which one counts on a request, and how it is set. */
export class SessionCookie {
  private readonly logger = new Logger('Sessions');
  private warned = false;

  constructor(private readonly settings: CookieSettings) {}

  /**
   * Every value presented under the name that fits the request's security. Names count byte by byte: nothing that merely
   * looks like ours, and nothing of ours that was meant for the other kind of connection.
   */
  read(request: PlatformRequest, isSecure: boolean): string[] {
    const header = nodeRequest(request).headers.cookie;
    if (header === undefined) return [];
    const name = this.nameFor(isSecure);
    // Pair by pair, since the parser keeps only the first of two cookies with one name; other cookies need no parser.
    const values: string[] = [];
    for (const pair of header.split(';')) {
      const value = pair.includes(name) ? parseCookie(pair, AS_THEY_ARE)[name] : undefined;
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  /** Gives the client a token with this response. Too late once its headers are sent; whether it was in time. */
  write(response: PlatformResponse, isSecure: boolean, token: SessionToken): boolean {
    return this.send(response, isSecure, { value: token.reveal() });
  }

  /** Takes the client's token away with this response; whether it was in time. */
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

  /** A prefix makes browsers refuse the cookie from anybody but this host, over a secure connection. */
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

  /** Browsers drop a `SameSite=None` cookie of an insecure connection; `Lax` at least serves pages of the same site. */
  private insecureSameSite(): 'lax' | 'strict' {
    const { cookieSameSite } = this.settings;
    if (cookieSameSite !== 'none') return cookieSameSite;
    if (!this.warned) {
      this.warned = true;
      this.logger.warn('SameSite=None needs https: this connection is not secure and gets SameSite=Lax.');
    }
    return 'lax';
  }
}
