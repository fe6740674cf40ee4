import type { IncomingMessage } from 'node:http';

/**
 * Whether a page of this origin may open WebSockets: one of the server's own host, or of an origin that the settings
 * allow. Browsers send cookies along with upgrades from any page, and always say which; a client that names no origin is
 * no browser, and nobody is led astray by it.
 */
export function isAllowedOrigin(request: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  // The second is what the oldest version of the protocol that is still accepted calls it.
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
