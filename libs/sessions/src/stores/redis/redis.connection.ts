import { setTimeout as wait } from 'node:timers/promises';
import { createClient, createCluster } from 'redis';
import { RedisSilence, unavailable } from './redis.errors.js';

/** What is needed of a client of one server; `createClient()` makes one. */
export interface RedisClientLike {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  close(): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  sendCommand(args: string[]): Promise<unknown>;
}

/** What is needed of a client of a cluster; `createCluster()` makes one. */
export interface RedisClusterLike<Node = unknown> {
  readonly isOpen: boolean;
  readonly masters: readonly Node[];
  connect(): Promise<unknown>;
  close(): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  nodeClient(
    node: Node,
  ): Pick<RedisClientLike, 'sendCommand'> | Promise<Pick<RedisClientLike, 'sendCommand'>>;
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
  ): Promise<unknown>;
}

export type RedisClientOrCluster = RedisClientLike | RedisClusterLike;

/** Where Redis is: one URL for a server, several for a cluster, or a client that somebody else made and closes. */
export type RedisTarget =
  { readonly urls: readonly string[]; readonly cluster: boolean } | { readonly client: RedisClientOrCluster };

/** Commands on their way at once; more are refused, so that an outage does not fill the memory. */
const MAX_QUEUED = 20_000;
/** Five tries a second at most, and not all servers at the same moment. */
const RECONNECT_MS = 200;
const JITTER_MS = 100;
const CONNECT_TIMEOUT_MS = 1000;
/**
 * A server that says nothing for so long, though it was asked, may be one that nobody can reach: its connection is given
 * up, which the system itself would do only after minutes.
 */
const GIVE_UP_MS = 3000;
/** How soon a client of a cluster looks for the new master of a node that it lost. */
const REDISCOVER_MS = 400;

/** One Redis, a server or a cluster: commands go in, replies come out within a time, or an error. */
export class RedisConnection {
  #client: RedisClientOrCluster | null = null;
  readonly #isOwn: boolean;
  /** Since when there has been no answer, by the key that was asked for. */
  readonly #silentSince = new Map<string, number>();
  #isRenewing = false;

  constructor(
    private readonly target: RedisTarget,
    private readonly timeoutMs: number,
  ) {
    this.#isOwn = 'urls' in target;
  }

  async connect(): Promise<void> {
    this.#client ??= await this.#connected();
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    this.#silentSince.clear();
    if (client === null || !this.#isOwn) return;
    if (!client.isOpen) return;
    await this.#inTime(client.close(), this.timeoutMs).catch(() => client.destroy());
  }

  /** Sends a command to the server that has `key`. What is sent in one turn goes out together. */
  async send(key: string, args: string[]): Promise<unknown> {
    const client = this.#client;
    if (client === null) throw unavailable('The session store is not connected');
    const sending = isCluster(client) ? client.sendCommand(key, false, args) : client.sendCommand(args);
    try {
      const reply = await this.#inTime(sending, this.timeoutMs);
      this.#silentSince.delete(key);
      return reply;
    } catch (error) {
      if (error instanceof RedisSilence) this.#noteSilence(key, client);
      else this.#silentSince.delete(key);
      throw error;
    }
  }

  /** Sends a command to each server that sessions are written to. */
  async sendToAll(args: string[]): Promise<string[]> {
    const client = this.#client;
    if (client === null) throw unavailable('The session store is not connected');
    const nodes = isCluster(client)
      ? await Promise.all(client.masters.map(async (master) => client.nodeClient(master)))
      : [client];
    const replies = await this.#inTime(
      Promise.all(nodes.map((node) => node.sendCommand([...args]))),
      this.timeoutMs,
    );
    return replies.map((reply) => (typeof reply === 'string' ? reply : JSON.stringify(reply)));
  }

  get isCluster(): boolean {
    return this.#client !== null && isCluster(this.#client);
  }

  async #connected(): Promise<RedisClientOrCluster> {
    const client = 'urls' in this.target ? makeClient(this.target) : this.target.client;
    // Each command tells of the trouble it meets; without a listener the event would end the process.
    client.on('error', () => {});
    if (client.isOpen) return client;
    try {
      await this.#inTime(client.connect(), CONNECT_TIMEOUT_MS + this.timeoutMs);
      return client;
    } catch (error) {
      if (this.#isOwn && client.isOpen) client.destroy();
      throw error;
    }
  }

  #noteSilence(key: string, client: RedisClientOrCluster): void {
    const since = this.#silentSince.get(key);
    if (since === undefined) this.#silentSince.set(key, performance.now() - this.timeoutMs);
    else if (performance.now() - since >= GIVE_UP_MS && this.#isOwn) void this.#renew(client);
  }

  /** Replaces a client by one that connects anew. Until it has, calls are refused at once. */
  async #renew(silent: RedisClientOrCluster): Promise<void> {
    if (this.#isRenewing || this.#client !== silent) return;
    this.#isRenewing = true;
    this.#silentSince.clear();
    silent.destroy();
    while (this.#client === silent) {
      const fresh = await this.#connected().catch(() => null);
      if (fresh === null) await wait(RECONNECT_MS, undefined, { ref: false });
      else if (this.#client === silent) this.#client = fresh;
      else fresh.destroy();
    }
    this.#isRenewing = false;
  }

  /** node-redis has a time limit for sending alone, which we do without: one for the answer must be our own. */
  async #inTime<T>(answering: Promise<T>, timeoutMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new RedisSilence(`No answer in ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([answering, silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function isCluster(client: RedisClientOrCluster): client is RedisClusterLike {
  return 'masters' in client;
}

function makeClient({ urls, cluster }: Extract<RedisTarget, { urls: unknown }>): RedisClientOrCluster {
  const options = {
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_QUEUED,
    // Its own time limit, a signal for each command that nobody takes back, costs a third of all that is spent on Redis.
    commandOptions: { timeout: 0 },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: () => RECONNECT_MS + Math.floor(Math.random() * JITTER_MS),
    },
  };
  if (!cluster) return createClient({ ...options, url: urls[0] ?? '' });
  const { username, password, protocol } = new URL(urls[0] ?? '');
  return createCluster({
    rootNodes: urls.map((url) => ({ ...options, url })),
    defaults: {
      ...options,
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' ? { socket: { ...options.socket, tls: true as const } } : {}),
    },
    topologyRefreshOnReconnectionAttemptStrategy: REDISCOVER_MS,
  });
}
