import { requestVerbatim, type VerbatimRequest, type VerbatimResponse } from './verbatim-request.js';

/** What differs between two requests of one browser: the page asked for, the address, the agent. */
export interface Visit extends VerbatimRequest {
  /** The client's address, as a trusted proxy tells it. */
  readonly address?: string;
  readonly agent?: string;
  /** Whether the trusted proxy had a secure connection. Default: false. */
  readonly secure?: boolean;
}

interface StoredCookie {
  readonly name: string;
  readonly value: string;
  /** Without a leading dot. */
  readonly domain: string;
  /** Whether hosts below the domain get no such cookie. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
}

const HOST = 'app.example.com';

/**
 * One cookie jar, whatever the address and the agent of a request, at the host `app.example.com`. It keeps cookies as RFC 6265bis
 * has it: by name, domain and path, with the rules of prefixes; the longest path and then the oldest cookie comes first.
 */
export class CookieBrowser {
  private cookies: StoredCookie[] = [];

  constructor(
    private readonly url: string,
    private readonly usual: Visit = {},
  ) {}

  async request(path: string, visit: Visit = {}): Promise<VerbatimResponse> {
    const { address, agent = 'test', secure = false, ...init } = { ...this.usual, ...visit };
    const cookie = this.headerFor(path, secure);
    const response = await requestVerbatim(this.url, path, {
      ...init,
      headers: {
        host: HOST,
        'user-agent': agent,
        ...(address && { 'x-forwarded-for': address }),
        ...(secure && { 'x-forwarded-proto': 'https' }),
        ...(cookie && { cookie }),
        ...init.headers,
      },
    });
    for (const line of response.headers['set-cookie'] ?? []) this.keep(line, secure);
    return response;
  }

  /** Another browser like this one, with an empty jar. */
  clone(): CookieBrowser {
    return new CookieBrowser(this.url, this.usual);
  }

  /** Keeps a cookie as a response of the host sets it, or a script of another application of the domain. */
  keep(line: string, isSecure = false): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const [name = '', value = ''] = pair.split(/=(.*)/s);
    const attribute = (wanted: string): string | undefined => {
      const found = attributes.findLast((one) => one.split('=')[0]?.toLowerCase() === wanted);
      return found && found.slice(wanted.length + 1);
    };
    const [domain, path = '/', maxAge] = ['domain', 'path', 'max-age'].map(attribute);
    const secure = attribute('secure') !== undefined;
    const at = domain?.replace(/^\./, '').toLowerCase() ?? HOST;
    const isRefused =
      (at !== HOST && !HOST.endsWith(`.${at}`)) ||
      !at.includes('.') ||
      (secure && !isSecure) ||
      (/^__(Host|Secure)-/.test(name) && !secure) ||
      (name.startsWith('__Host-') && (domain !== undefined || path !== '/'));
    if (isRefused) return;
    const cookie = { name, value, domain: at, hostOnly: domain === undefined, path, secure };
    const known = this.cookies.findIndex((other) => isSameCookie(other, cookie));
    if (maxAge === '0') this.cookies = this.cookies.filter((_, index) => index !== known);
    else if (known >= 0) this.cookies[known] = cookie;
    else this.cookies.push(cookie);
  }

  /** The cookies that a page of the host gets. */
  at(path: string, secure = false): StoredCookie[] {
    return this.cookies
      .filter((cookie) => (secure || !cookie.secure) && path.startsWith(cookie.path))
      .toSorted((a, b) => b.path.length - a.path.length);
  }

  names(secure = false): string[] {
    return this.at('/', secure)
      .map(({ name }) => name)
      .toSorted();
  }

  headerFor(path: string, secure = false): string {
    return this.at(path, secure)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }
}

function isSameCookie(a: StoredCookie, b: StoredCookie): boolean {
  return a.name === b.name && a.domain === b.domain && a.hostOnly === b.hostOnly && a.path === b.path;
}
