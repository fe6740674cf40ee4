import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { AbstractHttpAdapter } from '@nestjs/core';
import proxyAddr from 'proxy-addr';

type Trust = (address: string, hop: number) => boolean;

/** Symbol under which Fastify keeps its options; its public `initialConfig` lacks the trust setting. */
const FASTIFY_OPTIONS = 'fastify.options';

/**
 * Client address and security of an upgrade, which the HTTP framework never sees: computed as the framework would, by
 * its own trust setting.
 */
export class ProxyTrust {
  private constructor(
    private readonly trust: Trust,
    /** Of several values in one `X-Forwarded-Proto`, Express uses the first and Fastify the last. */
    private readonly protocolAt: 0 | -1,
  ) {}

  static of(http: AbstractHttpAdapter): ProxyTrust {
    return http.getType() === 'fastify'
      ? new ProxyTrust(fastifyTrust(http.getInstance<object>()), -1)
      : new ProxyTrust(http.getInstance<{ get(name: string): Trust }>().get('trust proxy fn'), 0);
  }

  addressOf(request: IncomingMessage): string | undefined {
    if (request.socket.remoteAddress === undefined) return undefined;
    return proxyAddr(request, this.trust);
  }

  isSecure(request: IncomingMessage): boolean {
    const { socket, headers } = request;
    const forwarded = headers['x-forwarded-proto'];
    if (typeof forwarded === 'string' && forwarded !== '' && this.trust(socket.remoteAddress ?? '', 0)) {
      return forwarded.split(',').at(this.protocolAt)?.trim() === 'https';
    }
    return socket instanceof TLSSocket;
  }
}

/** Reads `trustProxy` as Fastify does: a number of hops alone trusts no proxy. */
function fastifyTrust(instance: object): Trust {
  const symbol = Object.getOwnPropertySymbols(instance).find(
    ({ description }) => description === FASTIFY_OPTIONS,
  );
  const options: unknown = symbol && Reflect.get(instance, symbol);
  const setting = (options as { trustProxy?: unknown } | undefined)?.trustProxy;
  if (typeof setting === 'function') return setting as Trust;
  if (setting === true) return () => true;
  if (typeof setting === 'string') return proxyAddr.compile(setting.split(',').map((part) => part.trim()));
  if (Array.isArray(setting)) return proxyAddr.compile(setting as string[]);
  return () => false;
}
