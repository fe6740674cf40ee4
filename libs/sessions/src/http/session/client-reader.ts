import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { canonicalAddress } from '../../core/config/client-address.js';
import { oneLine } from '../../core/watch/log.js';
import type { Client } from '../../domain/binding.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';

const MAX_AGENT = 512;
const FORWARDING_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip'];

/** Tells who sent a request. */
export class ClientReader {
  private readonly logger = new Logger('Sessions');
  private hasWarned = false;

  /** The address is the framework's and comes from nowhere else; `ip` stands for it where the framework has none. */
  read(request: PlatformRequest, ip: string | undefined = request.ip): Client {
    const node = nodeRequest(request);
    const ipAddress = canonicalAddress(ip);
    if (!this.hasWarned) this.warnOfUntrustedProxy(node, ipAddress);
    return { ipAddress, userAgent: oneLine(node.headers['user-agent'] ?? '', MAX_AGENT).toWellFormed() };
  }

  /** A proxy that is not trusted gives all its users one address: its own. Better told once than found out late. */
  private warnOfUntrustedProxy(request: IncomingMessage, ipAddress: string): void {
    const header = FORWARDING_HEADERS.find((name) => request.headers[name] !== undefined);
    if (header === undefined || canonicalAddress(request.socket.remoteAddress) !== ipAddress) return;
    this.hasWarned = true;
    this.logger.warn(
      `A request came with ${header}, but its sender is taken for the client. If that is your proxy, trust it ` +
        '(Express: app.set("trust proxy", …); Fastify: new FastifyAdapter({ trustProxy: … })), or all its users ' +
        'share one address; if there is no proxy, somebody made the header up.',
    );
  }
}
