import { createClient, createCluster } from 'redis';
import { jitterMs } from './jitter.js';
import type { RedisClientLike, RedisClientOrCluster } from './redis.client.js';
import { CONNECT_TIMEOUT_MS, RECONNECT_MS } from './redis.connection.js';
import type { RedisClients, RedisClientSource } from './redis.clients.js';

/** Limit of pending commands; more are refused, so that an outage does not fill the memory. */
const MAX_QUEUED = 20_000;
/** After losing a node, a cluster client looks for its new master this often. */
const REDISCOVER_MS = 400;
/** A subscriber may receive nothing for hours, so it needs pings to detect a dead connection. */
const LISTENER = { pingMs: 5000, silenceMs: 15_000 };

/** Clients of a server by its URL, or of a cluster by the URLs of some nodes. */
export class RedisUrlClients implements RedisClients {
  readonly isOurs = true;

  constructor(
    private readonly urls: readonly string[],
    private readonly cluster: boolean,
  ) {}

  client(): RedisClientOrCluster {
    const options = {
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_QUEUED,
      // The client's own time limit leaks an abort signal per command: a third of the total cost of Redis calls.
      commandOptions: { timeout: 0 },
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        reconnectStrategy: () => jitterMs(RECONNECT_MS),
      },
    };
    if (!this.cluster) return createClient({ ...options, url: this.urls[0] ?? '' });
    const { username, password, protocol } = new URL(this.urls[0] ?? '');
    return createCluster({
      rootNodes: this.urls.map((url) => ({ ...options, url })),
      defaults: {
        ...options,
        ...(username === '' ? {} : { username: decodeURIComponent(username) }),
        ...(password === '' ? {} : { password: decodeURIComponent(password) }),
        ...(protocol === 'rediss:' ? { socket: { ...options.socket, tls: true as const } } : {}),
      },
      topologyRefreshOnReconnectionAttemptStrategy: REDISCOVER_MS,
    });
  }

  apart(): RedisClientSource {
    return this;
  }

  /** Any node will do: the nodes of a cluster forward published messages to each other. */
  async listener(attempt: number): Promise<RedisClientLike> {
    return createClient({
      url: this.urls[attempt % this.urls.length] ?? '',
      pingInterval: LISTENER.pingMs,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: LISTENER.silenceMs,
        reconnectStrategy: false,
      },
    });
  }
}
