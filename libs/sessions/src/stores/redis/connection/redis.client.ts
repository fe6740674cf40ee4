/** What is needed of a client of one server; `createClient()` makes one. */
export interface RedisClientLike {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  close(): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  sendCommand(args: string[]): Promise<unknown>;
  /** Another client of the same server. Without it, no news of other processes is heard, and no replica waited for. */
  duplicate?(): RedisClientLike;
  subscribe?(channel: string, listener: () => void): Promise<unknown>;
}

/** What is needed of a client of a cluster; `createCluster()` makes one. */
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
  /** As with a client of one server. */
  duplicate?(): RedisClusterLike<Node>;
}

type RedisNodeClient = Pick<RedisClientLike, 'sendCommand' | 'duplicate'>;

export type RedisClientOrCluster = RedisClientLike | RedisClusterLike;

export function isCluster(client: RedisClientOrCluster): client is RedisClusterLike {
  return 'masters' in client;
}
