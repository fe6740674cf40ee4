import { isCluster, type RedisClientLike, type RedisClientOrCluster } from './redis.client.js';
import type { RedisClients, RedisClientSource } from './redis.clients.js';

/** A client that the application made and closes; further clients are duplicates of it. */
export class GivenRedisClients implements RedisClients {
  readonly isOurs = false;
  readonly address = null;

  constructor(private readonly given: RedisClientOrCluster) {}

  get isCluster(): boolean {
    return isCluster(this.given);
  }

  client(): RedisClientOrCluster {
    return this.given;
  }

  apart(): RedisClientSource | null {
    const duplicate = this.given.duplicate?.bind(this.given);
    return duplicate ? { isOurs: true, client: duplicate } : null;
  }

  async listener(attempt: number): Promise<RedisClientLike | null> {
    const { given } = this;
    if (!isCluster(given)) return given.duplicate?.() ?? null;
    const node = given.masters[attempt % given.masters.length];
    return node === undefined ? null : ((await given.nodeClient(node)).duplicate?.() ?? null);
  }
}
