import { setTimeout as wait } from 'node:timers/promises';
import { withTimeout } from './with-timeout.js';
import { discard, isCluster, type RedisClientLike, type RedisClientOrCluster } from './redis.client.js';
import { NOT_CONNECTED, RedisSilence, unavailable } from './redis.errors.js';
import type { RedisClientSource } from './redis.clients.js';

/** At most five attempts a second. */
export const RECONNECT_MS = 200;
export const CONNECT_TIMEOUT_MS = 1000;
/**
 * A connection without answers for this long is replaced, as the server may be unreachable; TCP would notice only after
 * minutes.
 */
const GIVE_UP_MS = 3000;

/** Sends commands to a server or a cluster, and limits the time of each. */
export class RedisConnection {
  #client: RedisClientOrCluster | null = null;
  #connecting: Promise<void> | null = null;
  /** The start of the silence, by the key of the command. */
  readonly #silentSince = new Map<string, number>();
  #isRenewing = false;

  constructor(
    private readonly target: RedisClientSource,
    private readonly timeoutMs: number,
  ) {}

  get isConnected(): boolean {
    return this.#client !== null;
  }

  get isCluster(): boolean {
    return this.#client !== null && isCluster(this.#client);
  }

  /** Concurrent calls share one connection. */
  connect(): Promise<void> {
    this.#connecting ??= this.#open().finally(() => (this.#connecting = null));
    return this.#connecting;
  }

  async close(): Promise<void> {
    if (this.#connecting) await this.#connecting.catch(() => {});
    const client = this.#client;
    this.#client = null;
    this.#silentSince.clear();
    if (client === null || !this.target.isOurs) return;
    if (!client.isOpen) return;
    await withTimeout(client.close(), this.timeoutMs).catch(() => discard(client));
  }

  /** Sends a command to the server of `key`. The client pipelines commands of one turn of the event loop. */
  async send(key: string, args: string[]): Promise<unknown> {
    const client = this.#client;
    if (client === null) throw unavailable(NOT_CONNECTED);
    const sending = isCluster(client) ? client.sendCommand(key, false, args) : client.sendCommand(args);
    try {
      const reply = await withTimeout(sending, this.timeoutMs);
      this.#silentSince.delete(key);
      return reply;
    } catch (error) {
      if (error instanceof RedisSilence) this.#noteSilence(key, client);
      else this.#silentSince.delete(key);
      throw error;
    }
  }

  /** Sends a command to each master. */
  async sendToAll(args: string[]): Promise<string[]> {
    const replies = await this.onEach((server) => server.sendCommand([...args]));
    return replies.map((reply) => (typeof reply === 'string' ? reply : JSON.stringify(reply)));
  }

  /** Calls `work` on all masters concurrently. */
  async onEach<T>(
    work: (server: Pick<RedisClientLike, 'sendCommand'>) => Promise<T>,
    timeoutMs = this.timeoutMs,
  ): Promise<T[]> {
    const client = this.#client;
    if (client === null) throw unavailable(NOT_CONNECTED);
    const working = isCluster(client)
      ? client.masters.map(async (master) => work(await client.nodeClient(master)))
      : [work(client)];
    return withTimeout(Promise.all(working), timeoutMs);
  }

  async #open(): Promise<void> {
    this.#client ??= await this.#connected();
  }

  async #connected(): Promise<RedisClientOrCluster> {
    const client = this.target.client();
    // Each command rejects by itself; an `error` event without a listener would end the process.
    let lastError: unknown;
    client.on('error', (error) => (lastError = error));
    if (client.isOpen) return client;
    try {
      await withTimeout(client.connect(), CONNECT_TIMEOUT_MS + this.timeoutMs);
      return client;
    } catch (error) {
      if (this.target.isOurs) discard(client);
      // The client goes on trying, so that the limit of time hides why it failed.
      throw error instanceof RedisSilence ? (lastError ?? error) : error;
    }
  }

  #noteSilence(key: string, client: RedisClientOrCluster): void {
    const since = this.#silentSince.get(key);
    if (since === undefined) this.#silentSince.set(key, performance.now() - this.timeoutMs);
    else if (performance.now() - since >= GIVE_UP_MS && this.target.isOurs) void this.#renew(client);
  }

  /** Replaces a client by a new one. Until that is connected, calls are rejected at once. */
  async #renew(silent: RedisClientOrCluster): Promise<void> {
    if (this.#isRenewing || this.#client !== silent) return;
    this.#isRenewing = true;
    this.#silentSince.clear();
    discard(silent);
    try {
      while (this.#client === silent) {
        const fresh = await this.#connected().catch(() => null);
        if (fresh === null) await wait(RECONNECT_MS, undefined, { ref: false });
        else if (this.#client === silent) this.#client = fresh;
        else discard(fresh);
      }
    } finally {
      this.#isRenewing = false;
    }
  }
}
