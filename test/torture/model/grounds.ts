import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MemorySessionStore } from '../../../libs/sessions/dist/stores/sqlite/memory-session-store.js';
import { RedisSessionStore } from '../../../libs/sessions/dist/stores/redis/redis-session-store.js';
import { SqliteSessionStore } from '../../../libs/sessions/dist/stores/sqlite/sqlite-session-store.js';
import type { SessionStore } from '../../../libs/sessions/dist/ports/store/session-store.js';
import { RedisClusterServers, RedisServer } from '../../support/redis-servers.ts';

export const GROUNDS = ['memory', 'sqlite', 'redis', 'redis cluster'] as const;
export type GroundName = (typeof GROUNDS)[number];

/** What is tried here is no matter of time: a busy machine delays answers, and breaks no promise by it. */
const TIMEOUT_MS = 30_000;
/** As many as spread a handful of sessions. */
const BUCKETS = 4;

export type Stores = readonly [SessionStore, SessionStore];

/** Where the sessions of a pair are kept: one pair after the other. */
export interface Ground {
  /** Where their files are kept. Threads of a disk take longer to start than most pairs to run, so one ground has it. */
  readonly files: 'in memory' | 'on disk';
  /** The stores of the two processes of a new pair, without sessions. */
  begin(): Stores;
  /** The pair is over. */
  clear(stores: Stores): Promise<void>;
  /** No pair comes any more. */
  end(): Promise<void>;
}

export async function groundOf(name: GroundName): Promise<Ground> {
  switch (name) {
    case 'memory':
      return memory();
    case 'sqlite':
      return sqlite();
    case 'redis': {
      const server = await RedisServer.start();
      return redis(server.url, () => server.stop());
    }
    case 'redis cluster': {
      const servers = await RedisClusterServers.start();
      return redis(servers.urls, () => servers.stop());
    }
  }
}

function memory(): Ground {
  return {
    files: 'in memory',
    begin() {
      const store = new MemorySessionStore();
      return [store, store];
    },
    clear: close,
    async end() {},
  };
}

/** One database for all pairs, emptied in between: the threads of a store take longer to start than most pairs to run. */
async function sqlite(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-model-'));
  const path = join(folder, 'sessions.db');
  const stores: Stores = [new SqliteSessionStore({ path }), new SqliteSessionStore({ path })];
  return {
    files: 'on disk',
    begin: () => stores,
    async clear() {
      empty(path);
    },
    async end() {
      await close(stores);
      await rm(folder, { recursive: true });
    },
  };
}

function redis(url: string | readonly string[], stop: () => Promise<void>): Ground {
  let pairs = 0;
  return {
    files: 'in memory',
    begin() {
      pairs += 1;
      const prefix = `pair-${pairs}:`;
      const store = () => new RedisSessionStore({ url, prefix, buckets: BUCKETS, timeoutMs: TIMEOUT_MS });
      return [store(), store()];
    },
    clear: close,
    end: stop,
  };
}

async function close(stores: Stores): Promise<void> {
  for (const store of stores) await store.close();
}

function empty(path: string): void {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  try {
    const tables = db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'store'")
      .all();
    db.exec('BEGIN IMMEDIATE');
    for (const { name } of tables) db.exec(`DELETE FROM ${String(name)}`);
    db.exec('UPDATE store SET seen_at = NULL, clock_edition = 0, clock_doubted_until = NULL');
    db.exec('UPDATE store SET created = 0, open = 0, ending = 0, ended_duration_ms = 0');
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}
