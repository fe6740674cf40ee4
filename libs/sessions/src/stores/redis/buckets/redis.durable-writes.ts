import { RedisBuckets } from './redis.buckets.js';
import type { RedisConnection } from '../connection/redis.connection.js';
import type { BucketScript } from '../scripts/bucket-script.js';
import { replicasIn, type RedisServers } from '../connection/redis.server.js';

/** Timeout of WAIT for a replica: an idle Redis checks it only every 100 ms. */
const WAIT_MS = 100;
/** Time limit for the answer to `WAIT`. Without an answer the change still stands. */
const GIVE_UP_MS = 300;

/**
 * Runs writes that should survive a failover: if the master has a replica, each waits until one has it, at most 300 ms.
 * `WAIT` blocks a connection, so these writes have their own; without replicas there is neither connection nor wait.
 * Concurrent writes share one `WAIT`.
 */
export class RedisDurableWrites {
  /** Number of writes that no replica confirmed. */
  unconfirmed = 0;
  #waiting: Promise<boolean> = Promise.resolve(true);
  #next: Promise<boolean> | null = null;

  readonly #buckets: RedisBuckets | null;

  constructor(
    private readonly ordinary: RedisBuckets,
    /** `null` if no second connection is possible: then no write waits. */
    private readonly connection: RedisConnection | null,
    private readonly servers: RedisServers,
  ) {
    this.#buckets = connection && new RedisBuckets(connection, ordinary.layout);
  }

  /** Connects if there is a replica. While that fails, writes use the ordinary connection. */
  async prepare(): Promise<void> {
    if (!this.servers.hasReplicas || this.connection?.isConnected) return;
    await this.connection?.connect().catch(() => {});
  }

  /** Closes the connection, as it may lead to a hanging former master. The next write opens a new one. */
  startAnew(): void {
    void this.close().catch(() => {});
  }

  async close(): Promise<void> {
    await this.connection?.close();
  }

  async runIn(script: BucketScript, bucket: number, ...args: readonly (string | number)[]): Promise<unknown> {
    if (!this.servers.hasReplicas) return this.ordinary.runIn(script, bucket, ...args);
    if (!this.#buckets || !this.connection?.isConnected) {
      void this.prepare();
      this.unconfirmed += 1;
      return this.ordinary.runIn(script, bucket, ...args);
    }
    const reply = await this.#buckets.runIn(script, bucket, ...args);
    if (!(await this.#confirm(this.connection))) this.unconfirmed += 1;
    return reply;
  }

  /** A running `WAIT` may not cover later writes, so these share the next one. */
  #confirm(connection: RedisConnection): Promise<boolean> {
    this.#next ??= this.#waiting.then(() => {
      this.#next = null;
      this.#waiting = waitForReplicas(connection);
      return this.#waiting;
    });
    return this.#next;
  }
}

/** Whether replicas of all masters have the writes of this connection. Does not wait for a master without replicas. */
async function waitForReplicas(connection: RedisConnection): Promise<boolean> {
  const waits = connection.onEach(async (server) => {
    const info = String(await server.sendCommand(['INFO', 'replication']));
    return replicasIn(info) > 0 && Number(await server.sendCommand(['WAIT', '1', `${WAIT_MS}`])) > 0;
  }, GIVE_UP_MS);
  return waits.then(
    (confirmed) => confirmed.every(Boolean),
    () => false,
  );
}
