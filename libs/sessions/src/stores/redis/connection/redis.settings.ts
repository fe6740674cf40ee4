import { SessionsError } from '../../../domain/errors.js';
import type { RedisClientOrCluster } from './redis.client.js';
import { GivenRedisClients } from './given-redis-clients.js';
import { RedisLayout } from '../scripts/redis.layout.js';
import type { RedisClients } from './redis.clients.js';
import { RedisUrlClients } from './redis-url-clients.js';

export interface RedisSessionStoreOptions {
  /** `redis://` or `rediss://`. Several URLs name some nodes of one cluster. */
  readonly url?: string | readonly string[];
  /** Whether the URLs name a cluster. Default: true for several URLs. */
  readonly cluster?: boolean;
  /** Instead of URLs: a client of the `redis` package, for a server or a cluster. The store does not close it. */
  readonly client?: RedisClientOrCluster;
  /** Prefix of all keys, without braces. Default: `nest-sessions:`. */
  readonly prefix?: string;
  /** Number of buckets of the store, fixed at its creation: a power of two up to 4096. Default: 256. */
  readonly buckets?: number;
  /**
   * Whether `connect` rejects with `STORE_UNAVAILABLE` if there is no store under the prefix. Default: false, it creates one.
   */
  readonly mustExist?: boolean;
  /**
   * Milliseconds to wait for the answer to a command, and on the request path to the whole call, before it rejects with
   * `STORE_UNAVAILABLE`. Default: 700, so that a request is answered within a second.
   */
  readonly timeoutMs?: number;
}

const MAX_BUCKETS = 4096;
const TIMEOUT_MS = 700;

/** Throws `CONFIG_INVALID` for invalid options. */
export function redisSettingsOf(options: RedisSessionStoreOptions) {
  const { prefix = 'nest-sessions:', buckets = 256, mustExist = false, timeoutMs = TIMEOUT_MS } = options;
  if (!Number.isInteger(Math.log2(buckets)) || buckets < 1 || buckets > MAX_BUCKETS) {
    throw new SessionsError(
      'CONFIG_INVALID',
      `buckets is ${buckets}: set a power of two up to ${MAX_BUCKETS}`,
    );
  }
  if (/[{}]/.test(prefix)) {
    throw new SessionsError(
      'CONFIG_INVALID',
      `prefix is ${prefix}: remove the braces, which mark the slot of a key`,
    );
  }
  const clients = clientsOf(options);
  const layout = new RedisLayout(prefix, buckets, clients.isCluster);
  return { clients, layout, mustExist, timeoutMs };
}

function clientsOf({ url, cluster, client }: RedisSessionStoreOptions): RedisClients {
  if (client !== undefined) return new GivenRedisClients(client);
  const urls = typeof url === 'string' ? [url] : (url ?? []);
  if (urls.length === 0 || !urls.every((one) => URL.canParse(one) && /^rediss?:/.test(one))) {
    throw new SessionsError(
      'CONFIG_INVALID',
      'url or client is missing or invalid: set `url` to redis://… or rediss://…, or pass `client`',
    );
  }
  return new RedisUrlClients(urls, cluster ?? urls.length > 1);
}
