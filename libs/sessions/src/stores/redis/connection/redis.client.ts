/** The required part of a client of one server, as `createClient()` returns it. */
export interface RedisClientLike {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  close(): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  sendCommand(args: string[]): Promise<unknown>;
  /** Makes another client of the same server. Without it, there are no change notifications and no waits for replicas. */
  duplicate?(): RedisClientLike;
  subscribe?(channel: string, listener: () => void): Promise<unknown>;
}

/** The required part of a client of a cluster, as `createCluster()` returns it. */
export interface RedisClusterLike<Node = unknown> {
  readonly isOpen: boolean;
  readonly masters: readonly Node[];
  connect(): Promise<unknown>;
  close(): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  nodeClient(node: Node): RedisNodeClient | Promise<RedisNodeClient>;
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
  ): Promise<unknown>;
  /** As in `RedisClientLike`. */
  duplicate?(): RedisClusterLike<Node>;
}

type RedisNodeClient = Pick<RedisClientLike, 'sendCommand' | 'duplicate'>;

export type RedisClientOrCluster = RedisClientLike | RedisClusterLike;

/** Closes a client at once, in whatever state it is: `destroy` throws on one that is closed or half open. */
export function discard(client: Pick<RedisClientLike, 'destroy'>): void {
  try {
    client.destroy();
  } catch {
    // It has no connection any more.
  }
}

export function isCluster(client: RedisClientOrCluster): client is RedisClusterLike {
  return 'masters' in client;
}
