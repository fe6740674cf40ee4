import { join } from 'node:path';
import { MemorySessionStore } from '../../../libs/sessions/dist/stores/sqlite/memory-session-store.js';
import { RedisSessionStore } from '../../../libs/sessions/dist/stores/redis/redis-session-store.js';
import { SqliteSessionStore } from '../../../libs/sessions/dist/stores/sqlite/sqlite-session-store.js';
import type { SessionStore } from '../../../libs/sessions/dist/ports/session-store.js';
import { RedisClusterServers, RedisServer } from '../../support/redis-servers.ts';

export const DATABASE = 'sessions.db';
/** What is tried here is no matter of time: a busy machine delays answers, and breaks no promise by it. */
const TIMEOUT_MS = 30_000;
/** As many as spread a handful of sessions. */
const BUCKETS = 4;

/** Where the sessions of a pair are kept. */
export interface Ground {
  readonly name: string;
  readonly isInMemory: boolean;
  /** A new store without sessions, as each of its processes has it. `root` is the folder of the pair. */
  begin(root: string): () => SessionStore;
}

const memory: Ground = {
  name: 'memory',
  isInMemory: true,
  begin() {
    const store = new MemorySessionStore();
    return () => store;
  },
};

const sqlite: Ground = {
  name: 'sqlite',
  isInMemory: false,
  begin: (root) => () => new SqliteSessionStore({ path: join(root, DATABASE) }),
};

/** All grounds, for as long as the work takes: the servers of some of them are started for it. */
export async function onAllGrounds<T>(work: (grounds: readonly Ground[]) => Promise<T>): Promise<T> {
  const server = await RedisServer.start();
  try {
    const cluster = await RedisClusterServers.start();
    try {
      return await work([memory, sqlite, redis('redis', server.url), redis('redis cluster', cluster.urls)]);
    } finally {
      await cluster.stop();
    }
  } finally {
    await server.stop();
  }
}

function redis(name: string, url: string | readonly string[]): Ground {
  let pairs = 0;
  return {
    name,
    isInMemory: false,
    begin() {
      pairs += 1;
      const prefix = `pair-${pairs}:`;
      return () => new RedisSessionStore({ url, prefix, buckets: BUCKETS, timeoutMs: TIMEOUT_MS });
    },
  };
}
