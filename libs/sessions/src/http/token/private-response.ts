import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];
type WriteHead = (this: ServerResponse, statusCode: number, statusMessage?: string) => ServerResponse;

/** Key of our state on a response: the session cookie, and the `writeHead` that ours replaces. */
const PRIVATE = Symbol('nest-sessions private response');

/** For caches that prefer these to `Cache-Control` (RFC 9213). */
const TARGETED = ['CDN-Cache-Control', 'Surrogate-Control'];

interface Cookie {
  readonly name: string;
  readonly domain: string | null;
  line: string;
}

interface Private {
  readonly cookies: Cookie[];
  /** Text of the bearer token that the response carries. */
  token: string | null;
  readonly writeHead: WriteHead;
}

type PrivateResponse = ServerResponse & { [PRIVATE]?: Private };

/**
 * Adds the session cookie to a response and keeps the response out of every cache, whatever caching the handler allows.
 * Both happen when the headers are sent, so cookies that the application has set by then, by any means, are kept. A
 * second call replaces the first cookie of this name and domain; `null`: of the domain that cookies of this module have.
 */
export function setPrivateCookie(
  response: ServerResponse,
  name: string,
  line: string,
  domain: string | null = null,
): void {
  const { cookies } = stateOf(response);
  const known = cookies.find((cookie) => cookie.name === name && cookie.domain === domain);
  if (known) known.line = line;
  else cookies.push({ name, domain, line });
}

/** The same with a bearer token. A second call replaces the first; `null`: it carries none. */
export function setPrivateToken(response: ServerResponse, text: string | null): void {
  stateOf(response).token = text;
}

function stateOf(response: PrivateResponse): Private {
  const known = response[PRIVATE];
  if (known) return known;
  const made: Private = { cookies: [], token: null, writeHead: Reflect.get(response, 'writeHead') };
  response[PRIVATE] = made;
  response.writeHead = writePrivateHead;
  return made;
}

/**
 * One function for all responses: with a closure of its own, a response, all that it references and the objects
 * allocated beside it would survive V8's minor collections.
 */
function writePrivateHead(
  this: ServerResponse & { [PRIVATE]: Private },
  statusCode: number,
  messageOrHeaders?: string | Headers,
  more?: Headers,
): ServerResponse {
  const message = typeof messageOrHeaders === 'string' ? messageOrHeaders : undefined;
  const headers = typeof messageOrHeaders === 'object' ? messageOrHeaders : more;
  const { cookies, token, writeHead } = this[PRIVATE];
  if (!this.headersSent) {
    mergeHeaders(this, headers);
    forbidStoring(this);
    if (cookies.length > 0) {
      varyBy(this, 'Cookie');
      addCookies(this, cookies);
    }
    if (token !== null) {
      varyBy(this, 'Authorization');
      this.setHeader('X-Session-Token', token);
    }
  }
  return message === undefined ? writeHead.call(this, statusCode) : writeHead.call(this, statusCode, message);
}

function mergeHeaders(response: ServerResponse, headers: Headers | undefined): void {
  if (!headers) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    return;
  }
  // Node takes pairs, or names and values in turns; a value may be a list.
  const flat = headers.every((entry) => Array.isArray(entry)) ? headers.flat() : headers;
  const names = flat.filter((_, index) => index % 2 === 0).map(String);
  for (const name of names) response.removeHeader(name);
  for (const [index, name] of names.entries()) {
    const value = flat[2 * index + 1] ?? '';
    response.appendHeader(name, Array.isArray(value) ? value.map(String) : String(value));
  }
}

function forbidStoring(response: ServerResponse): void {
  if (!listOf(response, 'cache-control').includes('no-store'))
    response.setHeader('Cache-Control', 'no-store');
  for (const name of TARGETED) response.removeHeader(name);
}

function varyBy(response: ServerResponse, name: 'Cookie' | 'Authorization'): void {
  const vary = listOf(response, 'vary');
  if (vary.includes('*') || vary.includes(name.toLowerCase())) return;
  response.setHeader('Vary', [response.getHeader('vary') ?? [], name].flat().join(', '));
}

function addCookies(response: ServerResponse, cookies: readonly Cookie[]): void {
  const lines = [response.getHeader('set-cookie') ?? []].flat().map(String);
  const others = lines.filter((line) => !cookies.some(({ name }) => line.startsWith(`${name}=`)));
  response.setHeader('Set-Cookie', [...cookies.map(({ line }) => line), ...others]);
}

function listOf(response: ServerResponse, name: string): string[] {
  const value = [response.getHeader(name) ?? []].flat().join(',');
  return value.split(',').map((part) => part.trim().toLowerCase());
}
