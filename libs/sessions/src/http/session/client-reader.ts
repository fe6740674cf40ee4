import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { canonicalAddress } from '../../core/config/client-address.js';
import { oneLine } from '../../core/watch/log.js';
import type { Client } from '../../domain/binding.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';

const MAX_AGENT = 512;
const FORWARDING_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip'];

/** Reads the client of a request: address and user agent. */
export class ClientReader {
  private readonly logger = new Logger('Sessions');
  private hasWarned = false;

  /** The address is the framework's alone. Callers pass `ip` for upgrades, which the framework never sees. */
  read(request: PlatformRequest, ip: string | undefined = request.ip): Client {
    const node = nodeRequest(request);
    const ipAddress = canonicalAddress(ip);
    if (!this.hasWarned) this.warnOfUntrustedProxy(node, ipAddress);
    return { ipAddress, userAgent: oneLine(node.headers['user-agent'] ?? '', MAX_AGENT).toWellFormed() };
  }

  /** All users of an untrusted proxy share one address, the proxy's. Warns once. */
  private warnOfUntrustedProxy(request: IncomingMessage, ipAddress: string): void {
    const header = FORWARDING_HEADERS.find((name) => request.headers[name] !== undefined);
    if (header === undefined || canonicalAddress(request.socket.remoteAddress) !== ipAddress) return;
    this.hasWarned = true;
    this.logger.warn(
      `A request has the header ${header}, but its sender is not a trusted proxy and counts as the client. If it is ` +
        'your proxy, trust it (Express: app.set("trust proxy", …); Fastify: new FastifyAdapter({ trustProxy: … })), ' +
        'or all its users share one address. If you have no proxy, the client forged the header.',
    );
  }
}
