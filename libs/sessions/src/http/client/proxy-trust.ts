import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { HttpAdapterHost } from '@nestjs/core';
import proxyAddr from 'proxy-addr';

type Trust = (address: string, hop: number) => boolean;

interface TrustSetting {
  readonly trust: Trust;
  /** Of several values in one forwarding header, Express uses the first and Fastify the last. */
  readonly valueAt: 0 | -1;
}

/** Symbol under which Fastify keeps its options; its public `initialConfig` lacks the trust setting. */
const FASTIFY_OPTIONS = 'fastify.options';

/** Whether a request of this scheme is secure. Proxies write it in any case, and some write the scheme of a WebSocket. */
export function isSecureScheme(scheme: string | undefined): boolean {
  return scheme === 'https' || (scheme !== 'http' && /^(?:https|wss)$/i.test(scheme ?? ''));
}

/** What a trusted proxy tells of a request, by the trust setting of the HTTP framework, which itself never sees upgrades. */
export class ProxyTrust {
  private fastify: TrustSetting | undefined;

  constructor(private readonly host: Pick<HttpAdapterHost, 'httpAdapter'>) {}

  /** Whether the sender of the request is a trusted proxy. */
  trustsSenderOf({ socket }: IncomingMessage): boolean {
    return this.setting.trust(addressOrNone(socket.remoteAddress), 0);
  }

  /** The client's address as the framework's `request.ip` has it; `undefined` for none. */
  addressOf(request: IncomingMessage): string | undefined {
    return proxyAddr(request, this.setting.trust);
  }

  isSecure(request: IncomingMessage): boolean {
    const scheme = this.forwarded(request, 'x-forwarded-proto');
    return scheme === undefined ? request.socket instanceof TLSSocket : isSecureScheme(scheme);
  }

  /** The host that the client asked for, with its port if it named one: a trusted `X-Forwarded-Host`, else `Host`. */
  hostOf(request: IncomingMessage): string | undefined {
    return this.forwarded(request, 'x-forwarded-host') ?? request.headers.host;
  }

  private forwarded(request: IncomingMessage, name: string): string | undefined {
    const text = request.headers[name];
    if (typeof text !== 'string' || text === '' || !this.trustsSenderOf(request)) return undefined;
    return text.split(',').at(this.setting.valueAt)?.trim();
  }

  /** Express may change its setting until it listens, so it is read each time. */
  private get setting(): TrustSetting {
    const { httpAdapter } = this.host;
    if (httpAdapter.getType() === 'fastify') {
      this.fastify ??= { trust: fastifyTrust(httpAdapter.getInstance<object>()), valueAt: -1 };
      return this.fastify;
    }
    const express = httpAdapter.getInstance<{ get(name: string): Trust }>();
    return { trust: express.get('trust proxy fn'), valueAt: 0 };
  }
}

/** A Unix socket has no address; the frameworks too then ask their trust functions about `undefined`. */
function addressOrNone(address: string | undefined): string {
  return address as string;
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
