import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];
type WriteHead = (this: ServerResponse, statusCode: number, statusMessage?: string) => ServerResponse;

/** Key of our state on a response: the session cookie, and the `writeHead` that ours replaces. */
const PRIVATE = Symbol('nest-sessions private response');

interface Private {
  readonly name: string;
  line: string;
  readonly writeHead: WriteHead;
}

type PrivateResponse = ServerResponse & { [PRIVATE]?: Private };

/**
 * Adds the session cookie to a response and keeps the response out of every cache, whatever caching the handler allows.
 * Both happen when the headers are sent, so cookies that the application has set by then, by any means, are kept. A
 * second call replaces the first cookie.
 */
export function setPrivateCookie(response: ServerResponse, name: string, line: string): void {
  const marked: PrivateResponse = response;
  if (marked[PRIVATE]) {
    marked[PRIVATE].line = line;
    return;
  }
  marked[PRIVATE] = { name, line, writeHead: Reflect.get(response, 'writeHead') };
  response.writeHead = writePrivateHead;
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
  const { name, line, writeHead } = this[PRIVATE];
  if (!this.headersSent) {
    mergeHeaders(this, headers);
    forbidStoring(this);
    addCookie(this, name, line);
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
  const flat = headers.flat().map(String);
  const names = flat.filter((_, index) => index % 2 === 0);
  for (const name of names) response.removeHeader(name);
  for (const [index, name] of names.entries()) response.appendHeader(name, flat[2 * index + 1] ?? '');
}

function forbidStoring(response: ServerResponse): void {
  if (!listOf(response, 'cache-control').includes('no-store'))
    response.setHeader('Cache-Control', 'no-store');
  const vary = listOf(response, 'vary');
  if (!vary.includes('*') && !vary.includes('cookie')) {
    response.setHeader('Vary', [response.getHeader('vary') ?? [], 'Cookie'].flat().join(', '));
  }
}

function addCookie(response: ServerResponse, name: string, line: string): void {
  const lines = [response.getHeader('set-cookie') ?? []].flat().map(String);
  response.setHeader('Set-Cookie', [line, ...lines.filter((other) => !other.startsWith(`${name}=`))]);
}

function listOf(response: ServerResponse, name: string): string[] {
  const value = [response.getHeader(name) ?? []].flat().join(',');
  return value.split(',').map((part) => part.trim().toLowerCase());
}
