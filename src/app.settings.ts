import { isIP } from 'node:net';
import { SettingError } from './setting-error.js';

/** The app's own settings from the environment; the library reads those of sessions itself. */
export interface AppSettings {
  readonly port: number;
  readonly host: string;
  readonly adapter: 'express' | 'fastify';
  /** Proxies whose `X-Forwarded-*` headers count. */
  readonly trustProxy: TrustProxy;
}

/** Addresses and subnets of trusted proxies, or a test by address and number of hops. `false`: none is trusted. */
export type TrustProxy = string[] | ((address: string, hop: number) => boolean) | false;

/** @throws SettingError */
export function readAppSettings(environment: NodeJS.ProcessEnv): AppSettings {
  return {
    port: readPort(environment['PORT'] || '5005'),
    host: environment['HOST'] || '127.0.0.1',
    adapter: readAdapter(environment['HTTP_ADAPTER'] || 'express'),
    trustProxy: readTrustProxy(environment['TRUST_PROXY'] || ''),
  };
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new SettingError(
    `PORT must be a whole number from 0 to 65535 (0 selects any free port), not ${JSON.stringify(text)}.`,
  );
}

function readAdapter(text: string): 'express' | 'fastify' {
  if (text === 'express' || text === 'fastify') return text;
  throw new SettingError(`HTTP_ADAPTER must be express or fastify, not ${JSON.stringify(text)}.`);
}

function readTrustProxy(text: string): TrustProxy {
  if (text === '' || text === 'false') return false;
  if (/^[1-9]$/.test(text)) return (_address, hop) => hop < Number(text);
  if (text.split(',').every(isNetwork)) return text.split(',');
  throw new SettingError(
    `TRUST_PROXY must be a number of proxies from 1 to 9, or a comma-separated list of their addresses and subnets, not ${JSON.stringify(text)}.`,
  );
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more.length > 0) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
