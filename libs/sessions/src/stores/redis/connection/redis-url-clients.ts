import { createClient, createCluster } from 'redis';
import { jitterMs } from './jitter.js';
import type { RedisClientLike, RedisClientOrCluster } from './redis.client.js';
import { CONNECT_TIMEOUT_MS, RECONNECT_MS } from './redis.connection.js';
import type { RedisClients, RedisClientSource } from './redis.clients.js';

/** Commands on their way at once; more are refused, so that an outage does not fill the memory. */
const MAX_QUEUED = 20_000;
/** How soon a client of a cluster looks for the new master of a node that it lost. */
const REDISCOVER_MS = 400;
/** A listener hears nothing for hours, and must still learn that its connection is dead. */
const LISTENER = { pingMs: 5000, silenceMs: 15_000 };

/** A server by its URL, or a cluster by those of some of its nodes. */
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
      // Its own time limit, a signal for each command that nobody takes back, costs a third of all that is spent on Redis.
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

  /** Nodes of a cluster tell each other what is published: any will do. */
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
