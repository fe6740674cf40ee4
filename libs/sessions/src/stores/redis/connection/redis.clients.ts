import type { RedisClientLike, RedisClientOrCluster } from './redis.client.js';

/** How one gets a client of a Redis. */
export interface RedisClientSource {
  /** Whether the client is ours, to be connected anew and closed, or somebody else's. */
  readonly isOurs: boolean;
  client(): RedisClientOrCluster;
}

/** A Redis that one gets several clients of, which share no connection. */
export interface RedisClients extends RedisClientSource {
  /** A second client of ours; `null` where there can be none. */
  apart(): RedisClientSource | null;
  /** A client of ours to hear messages with, of one server, another one with each attempt; `null` where there can be none. */
  listener(attempt: number): Promise<RedisClientLike | null>;
}
