import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { LOCAL_ADDRESS, readAddress } from '../../core/config/client-address.js';
import { oneLine } from '../../core/watch/log.js';
import type { Client } from '../../domain/binding.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';
import type { ProxyTrust } from './proxy-trust.js';

const MAX_AGENT = 512;
/** The frameworks read the first alone. */
const FORWARDING_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip'] as const;
const HOW_TO_TRUST =
  'Express: app.set("trust proxy", …); Fastify: new FastifyAdapter({ trustProxy: … }); see docs/proxies.md';

type Warning = 'forwarding header' | 'unreadable address' | 'no address';

/** The address of a request's client, else of the proxy that sent the request; `local` if neither has one. */
export function addressOf(request: PlatformRequest, ip: string | undefined = request.ip): string {
  return readAddress(ip) ?? readAddress(nodeRequest(request).socket.remoteAddress) ?? LOCAL_ADDRESS;
}

/** Reads the client of a request: address and user agent. Warns once of each fault that gives many clients one address. */
export class ClientReader {
  private readonly logger = new Logger('Sessions');
  private readonly warned = new Set<Warning>();

  constructor(private readonly trust: ProxyTrust) {}

  /**
   * `null` if the client has closed its connection, whose address then cannot be told: it must neither end a session as another
   * client nor open one past the limits of its network. The address is the framework's alone. Callers pass `ip` for upgrades,
   * which the framework never sees.
   */
  read(request: PlatformRequest, ip: string | undefined = request.ip): Client | null {
    const node = nodeRequest(request);
    const userAgent = oneLine(node.headers['user-agent'] ?? '', MAX_AGENT).toWellFormed();
    const ipAddress = readAddress(ip);
    if (ipAddress === null) {
      if (!ip && !isUnixSocket(node.socket)) return null;
      this.warnOfAddress(ip);
      return { ipAddress: addressOf(request, ip), userAgent, sharesAddress: true };
    }
    if (!this.warned.has('forwarding header')) this.checkHeaders(node, ipAddress);
    return { ipAddress, userAgent, sharesAddress: false };
  }

  private warnOfAddress(ip: string | undefined): void {
    if (ip) {
      this.warnOnce(
        'unreadable address',
        'A trusted proxy sent an X-Forwarded-For that names no address (for example "unknown", or numbers with leading ' +
          "zeros). Such clients count under the proxy's own address: sessions are bound to it, and limits of networks " +
          'do not apply. Make the proxy send the address of each client.',
      );
    } else {
      this.warnOnce(
        'no address',
        'Requests come over a Unix socket, which has no address: sessions are not bound to addresses, and limits of ' +
          'networks do not apply. If the proxy there sends X-Forwarded-For, trust a sender without an address ' +
          `(${HOW_TO_TRUST}).`,
      );
    }
  }

  /** All users of a proxy have its address if it is not trusted, or names theirs in a header that no framework reads. */
  private checkHeaders(request: IncomingMessage, ipAddress: string): void {
    const header = FORWARDING_HEADERS.find((name) => request.headers[name] !== undefined);
    if (header === undefined || readAddress(request.socket.remoteAddress) !== ipAddress) return;
    if (!this.trust.trustsSenderOf(request)) {
      this.warnOnce(
        'forwarding header',
        `A request has the header ${header}, but its sender is not a trusted proxy and counts as the client. If it is ` +
          `your proxy, trust it (${HOW_TO_TRUST}), or all its users share one address. If you have no proxy, the ` +
          'client forged the header.',
      );
    } else if (header !== 'x-forwarded-for') {
      this.warnOnce(
        'forwarding header',
        `A trusted proxy sent the header ${header} without X-Forwarded-For, which alone is read: all its users share ` +
          'one address. Make the proxy send X-Forwarded-For.',
      );
    }
  }

  private warnOnce(what: Warning, line: string): void {
    if (this.warned.has(what)) return;
    this.warned.add(what);
    this.logger.warn(line);
  }
}

/** A connection that its client has just closed has no address of the client either, but one of this end until it is destroyed. */
function isUnixSocket({ destroyed, localAddress }: IncomingMessage['socket']): boolean {
  return !destroyed && localAddress === undefined;
}
