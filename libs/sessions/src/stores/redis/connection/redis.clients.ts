import type { RedisClientLike, RedisClientOrCluster } from './redis.client.js';

/** A source of a client. */
export interface RedisClientSource {
  /** Whether the store reconnects and closes the client; otherwise the application does. */
  readonly isOurs: boolean;
  client(): RedisClientOrCluster;
}

/** A source of several clients of one Redis, which share no connection. */
export interface RedisClients extends RedisClientSource {
  /** Hosts and ports, for messages; `null` if the application made the client. */
  readonly address: string | null;
  readonly isCluster: boolean;
  /** A second client, owned by the store; `null` if the given client cannot be duplicated. */
  apart(): RedisClientSource | null;
  /** A client for subscriptions to one server, which varies with the attempt; `null` as with `apart`. */
  listener(attempt: number): Promise<RedisClientLike | null>;
}
