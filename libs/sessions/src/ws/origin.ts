import type { IncomingMessage } from 'node:http';

/**
 * Whether a page of this origin may open WebSockets: the server's own host and `allowedOrigins` may. Browsers send
 * cookies with upgrades from any page, and always name its origin. A client that names none is not a browser, so no
 * foreign page can abuse its cookies.
 */
export function isAllowedOrigin(request: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  // The oldest accepted version of the protocol uses the second name.
  const named = request.headers.origin ?? request.headers['sec-websocket-origin'];
  if (named === undefined) return true;
  const origin = parse(String(named));
  if (!origin) return false;
  const own = parse(`${origin.protocol}//${request.headers.host ?? ''}`);
  if (own?.host === origin.host) return true;
  return allowedOrigins.some((allowed) => parse(allowed)?.origin === origin.origin);
}

function parse(url: string): URL | null {
  const parsed = URL.parse(url);
  return parsed && (parsed.protocol === 'http:' || parsed.protocol === 'https:') ? parsed : null;
}
