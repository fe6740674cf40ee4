import { RedisBuckets } from './redis.buckets.js';
import type { RedisConnection } from '../connection/redis.connection.js';
import type { BucketScript } from '../scripts/bucket-script.js';
import { replicasIn, type RedisServers } from '../connection/redis.server.js';

/** Timeout of WAIT for a replica: an idle Redis checks it only every 100 ms. */
const WAIT_MS = 100;
/** For so long the answer to that is waited for: a server that does not come to it has the change all the same. */
const GIVE_UP_MS = 300;

/**
 * Runs the writes that should outlive a master: where it has a replica, each is answered when one has it, or after 100 ms.
 * The server serves nothing else on a connection that waits, so these writes have one of their own; without any replica
 * neither it nor a wait costs anything. However many writes are made at once, they are waited for together.
 */
export class RedisDurableWrites {
  /** How many were answered though no replica is known to have them. */
  unconfirmed = 0;
  #waiting: Promise<boolean> = Promise.resolve(true);
  #next: Promise<boolean> | null = null;

  readonly #buckets: RedisBuckets | null;

  constructor(
    private readonly ordinary: RedisBuckets,
    /** `null` where there can be no second one: then nothing is waited for. */
    private readonly connection: RedisConnection | null,
    private readonly servers: RedisServers,
  ) {
    this.#buckets = connection && new RedisBuckets(connection, ordinary.layout);
  }

  /** Makes the connection where there is a replica to wait for. While it cannot be made, writes go the ordinary way. */
  async prepare(): Promise<void> {
    if (!this.servers.hasReplicas || this.connection?.isConnected) return;
    await this.connection?.connect().catch(() => {});
  }

  /** Lets the connection go: after a change of master it may lead to one that hangs. The next write makes another. */
  startAnew(): void {
    void this.close().catch(() => {});
  }

  async close(): Promise<void> {
    await this.connection?.close();
  }

  /** Runs a script on the bucket. */
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

  /** A wait that has begun may not count what was written since: the next one does, for all who ask meanwhile. */
  #confirm(connection: RedisConnection): Promise<boolean> {
    this.#next ??= this.#waiting.then(() => {
      this.#next = null;
      this.#waiting = waitForReplicas(connection);
      return this.#waiting;
    });
    return this.#next;
  }
}

/** Whether each master says that a replica has what this connection wrote. One that has lost its replica is not waited for. */
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
