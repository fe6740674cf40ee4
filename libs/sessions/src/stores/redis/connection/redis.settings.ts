import { SessionsError } from '../../../domain/errors.js';
import type { RedisClientOrCluster } from './redis.client.js';
import { GivenRedisClients } from './given-redis-clients.js';
import { RedisLayout } from '../scripts/redis.layout.js';
import type { RedisClients } from './redis.clients.js';
import { RedisUrlClients } from './redis-url-clients.js';

export interface RedisSessionStoreOptions {
  /** `redis://` or `rediss://`; several URLs are those of some nodes of one cluster. */
  readonly url?: string | readonly string[];
  /** Whether one URL is that of a cluster. Default: it is where there are several. */
  readonly cluster?: boolean;
  /** Instead of URLs: a client of the `redis` package, of a server or a cluster. Whoever made it closes it. */
  readonly client?: RedisClientOrCluster;
  /** What all keys begin with. Default: `nest-sessions:`. */
  readonly prefix?: string;
  /** Over how many buckets sessions are spread: a power of two, at most 4,096, and never changed. Default: 256. */
  readonly buckets?: number;
  /** Rejects with `STORE_UNAVAILABLE` where no server has kept sessions under the prefix. Default: a new store begins. */
  readonly mustExist?: boolean;
  /**
   * How long Redis' answer is waited for before a call rejects with `STORE_UNAVAILABLE`: that of each command, and where a
   * request waits for it, of all that the call takes. Default: 700, so that a request is answered within a second.
   */
  readonly timeoutMs?: number;
}

const MAX_BUCKETS = 4096;
const TIMEOUT_MS = 700;

/** What the options come to. Throws `CONFIG_INVALID` where it is nothing. */
export function redisSettingsOf(options: RedisSessionStoreOptions) {
  const { prefix = 'nest-sessions:', buckets = 256, mustExist = false, timeoutMs = TIMEOUT_MS } = options;
  if (!Number.isInteger(Math.log2(buckets)) || buckets < 1 || buckets > MAX_BUCKETS) {
    throw new SessionsError(
      'CONFIG_INVALID',
      `The number of buckets is a power of two, at most ${MAX_BUCKETS}`,
    );
  }
  if (/[{}]/.test(prefix)) {
    throw new SessionsError(
      'CONFIG_INVALID',
      'A prefix of Redis keys holds no braces: they mark the slot of a key',
    );
  }
  return { clients: placeOf(options), layout: new RedisLayout(prefix, buckets), mustExist, timeoutMs };
}

function placeOf({ url, cluster, client }: RedisSessionStoreOptions): RedisClients {
  if (client !== undefined) return new GivenRedisClients(client);
  const urls = typeof url === 'string' ? [url] : (url ?? []);
  if (urls.length === 0 || !urls.every((one) => URL.canParse(one) && /^rediss?:/.test(one))) {
    throw new SessionsError(
      'CONFIG_INVALID',
      'Redis is reached by a URL that begins with redis:// or rediss://, or by a client',
    );
  }
  return new RedisUrlClients(urls, cluster ?? urls.length > 1);
}
