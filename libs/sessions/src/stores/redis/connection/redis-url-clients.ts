import { createClient, createCluster } from 'redis';
import { addressOf, clientOptionsOf } from './redis-address.js';
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
    readonly isCluster: boolean,
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
    const at = (url: string) => {
      const { socket, ...credentials } = clientOptionsOf(url);
      return { ...options, ...credentials, socket: { ...options.socket, ...socket } };
    };
    const first = at(this.urls[0] ?? '');
    if (!this.isCluster) return createClient(first);
    // The cluster tells the other nodes; it has one database, and its nodes the same credentials.
    const { username, password, socket } = first;
    return createCluster({
      rootNodes: this.urls.map(at),
      defaults: {
        ...options,
        ...(username !== undefined && { username }),
        ...(password !== undefined && { password }),
        ...(socket.tls === true && { socket: { ...options.socket, tls: true as const } }),
      },
      topologyRefreshOnReconnectionAttemptStrategy: REDISCOVER_MS,
    });
  }

  get address(): string {
    return this.urls.map(addressOf).join(', ');
  }

  apart(): RedisClientSource {
    return this;
  }

  /** Any node will do: the nodes of a cluster forward published messages to each other. */
  async listener(attempt: number): Promise<RedisClientLike> {
    const { socket, ...credentials } = clientOptionsOf(this.urls[attempt % this.urls.length] ?? '');
    return createClient({
      ...credentials,
      pingInterval: LISTENER.pingMs,
      socket: {
        ...socket,
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: LISTENER.silenceMs,
        reconnectStrategy: false,
      },
    });
  }
}
