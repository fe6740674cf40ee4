import { Logger } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { parseCookie } from 'cookie';
import type { SessionsConfig } from '../../core/config/config.js';
import type { SessionToken } from '../../core/handles/session-token.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { keepPrivate } from './private-response.js';

type CookieSettings = Pick<SessionsConfig, 'cookieName' | 'cookieSameSite' | 'cookieDomain'>;
type Attributes = NonNullable<Parameters<AbstractHttpAdapter['setCookie']>[3]>;

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
  write(
    http: AbstractHttpAdapter,
    response: PlatformResponse,
    isSecure: boolean,
    token: SessionToken,
  ): boolean {
    return this.send(response, isSecure, (name, attributes) =>
      http.setCookie(response, name, token.reveal(), attributes),
    );
  }

  /** Takes the client's token away with this response; whether it was in time. */
  clear(http: AbstractHttpAdapter, response: PlatformResponse, isSecure: boolean): boolean {
    return this.send(response, isSecure, (name, attributes) => http.clearCookie(response, name, attributes));
  }

  private send(
    response: PlatformResponse,
    isSecure: boolean,
    set: (name: string, attributes: Attributes) => void,
  ): boolean {
    const node = nodeResponse(response);
    if (node.headersSent) return false;
    const name = this.nameFor(isSecure);
    keepPrivate(node, name);
    set(name, this.attributesFor(isSecure));
    return true;
  }

  /** A prefix makes browsers refuse the cookie from anybody but this host, over a secure connection. */
  private nameFor(isSecure: boolean): string {
    const { cookieName, cookieDomain } = this.settings;
    if (!isSecure) return cookieName;
    return cookieDomain === null ? `__Host-${cookieName}` : `__Secure-${cookieName}`;
  }

  private attributesFor(isSecure: boolean): Attributes {
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
