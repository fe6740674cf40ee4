import type { IncomingMessage } from 'node:http';
import type { ProxyTrust } from './proxy-trust.js';

const HAS_PORT = /:\d+$/;
/** A host with or without a port, and nothing else that a URL may hold. */
const HOST = /^[^\s/?#@\\]+$/;

/**
 * The origin of the page that sent a request; `null` if it names none. Browsers name it with every upgrade, and with requests
 * that change something.
 */
export function originOf({ headers }: Pick<IncomingMessage, 'headers'>): string | null {
  // The oldest accepted version of the WebSocket protocol uses the second name.
  const origin = headers.origin ?? headers['sec-websocket-origin'];
  return origin === undefined ? null : String(origin);
}

/**
 * Whether `origin` is of `host`, as a request's `Host` names it: the same name and port, or the same name if `host` names no
 * port, since proxies that leave out the port would else lock out every page of an unusual one.
 */
export function isOriginOfHost(origin: string, host: string | undefined): boolean {
  const page = parse(origin);
  if (!page || host === undefined || !HOST.test(host)) return false;
  const own = parse(`${page.protocol}//${host}`);
  if (!own) return false;
  return HAS_PORT.test(host) ? own.host === page.host : own.hostname === page.hostname;
}

/** Whether `origin` is one of `listed`: scheme, name and port, or else the same text. */
export function isListedOrigin(origin: string, listed: readonly string[]): boolean {
  const page = parse(origin);
  return listed.some((one) => one === origin || (page !== null && parse(one)?.origin === page.origin));
}

/** Tells pages that may use a client's session: those of the request's own host, and those of `allowedOrigins`. */
export class OwnPages {
  constructor(
    private readonly trust: ProxyTrust,
    private readonly allowedOrigins: readonly string[],
  ) {}

  isOne(origin: string, request: IncomingMessage): boolean {
    return isOriginOfHost(origin, this.trust.hostOf(request)) || isListedOrigin(origin, this.allowedOrigins);
  }
}

function parse(url: string): URL | null {
  const parsed = URL.parse(url);
  return parsed && (parsed.protocol === 'http:' || parsed.protocol === 'https:') ? parsed : null;
}
