import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SessionsOptions } from '#sessions/core/config/config';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { RedisSessionStore } from '#sessions/redis/index';
import { createLocalStorage } from '#sessions/storage/local/create-local-storage';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { ManualClock } from '#sessions/testing/manual-clock';
import { filesOnDisk } from '../support/files-on-disk.js';
import { RedisServer } from '../support/redis-servers.js';
import { World } from '../support/world.js';

/** What the machines share: a database file that all reach, or a Redis. */
export interface SharedStore {
  /** A store of that name, as a process of its own has it: another name, other sessions. */
  open(name: string): SessionStore;
  /** Keeps the tokens and users of its sessions; what is answered puts them back, as a failover that loses writes does. */
  snapshot(name: string): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export async function sharedSqlite(): Promise<SharedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-shared-'));
  return {
    open: (name) => new SqliteSessionStore({ path: join(folder, `${name}.db`) }),
    async snapshot(name) {
      const db = new DatabaseSync(join(folder, `${name}.db`));
      const rows = db.prepare('SELECT id, token_hash, user_id FROM sessions').all();
      const putBack = db.prepare(
        'UPDATE sessions SET token_hash = :token_hash, user_id = :user_id WHERE id = :id',
      );
      return async () => {
        db.exec('DELETE FROM replaced_tokens');
        for (const row of rows) putBack.run(row);
        db.close();
      };
    },
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function sharedRedis(): Promise<SharedStore> {
  const server = await RedisServer.start();
  return {
    open: (name) =>
      new RedisSessionStore({ url: server.url, prefix: `${name}:`, buckets: 16, timeoutMs: 10_000 }),
    async snapshot(name) {
      const keysOf = async (prefix: string): Promise<string[]> =>
        ((await server.command('KEYS', `${prefix}{*`)) as string[]).filter(
          (key) => !key.includes('{processes}'),
        );
      const keys = await keysOf(`${name}:`);
      for (const key of keys) await server.command('COPY', key, `kept:${key}`);
      return async () => {
        for (const key of await keysOf(`${name}:`)) await server.command('DEL', key);
        for (const key of keys) await server.command('RENAME', `kept:${key}`, key);
      };
    },
    stop: () => server.stop(),
  };
}

export const SHARED_STORES = [
  ['sqlite', sharedSqlite],
  ['redis', sharedRedis],
] as const;

/** Machines with a storage root each, on one store and one clock. */
export class Machines {
  readonly clock = new ManualClock();
  readonly name = randomUUID();
  private readonly running = new Map<World, string>();
  private readonly roots = new Set<string>();

  constructor(private readonly shared: Pick<SharedStore, 'open'>) {}

  /** A process on a machine of its own, or on the one that has this root. */
  async start(root?: string, options: SessionsOptions = {}): Promise<World> {
    const place = root ?? (await mkdtemp(join(tmpdir(), 'nest-sessions-node-')));
    this.roots.add(place);
    const files = createLocalStorage({
      root: place,
      minFreeBytes: 0,
      minFreeInodes: 0,
      ballastBytes: 0,
    });
    const beside = { root: place, store: this.shared.open(this.name), ...files, clock: this.clock };
    const world = await World.create('memory', options, beside);
    this.running.set(world, place);
    return world;
  }

  /** The process goes; what is on its disk stays. */
  async stop(world: World): Promise<void> {
    this.running.delete(world);
    await world.close();
  }

  filesOf(world: World): Promise<string[]> {
    return filesOnDisk(world.root);
  }

  /** What lies in the root beside the folders of files. */
  async entriesOf(world: World): Promise<string[]> {
    return (await readdir(world.root))
      .filter((name) => !['s', 'trash', 'tmp', 'claims', '.gitignore'].includes(name))
      .toSorted();
  }

  async close(): Promise<void> {
    await Promise.all([...this.running.keys()].map((world) => this.stop(world)));
    await Promise.all([...this.roots].map((root) => rm(root, { recursive: true, force: true })));
  }
}

/** Starts one store for the suite that calls this, and for each of its tests `begin` with new machines on it. */
export function onMachines(
  share: () => Promise<SharedStore>,
  begin: (machines: Machines, shared: SharedStore) => Promise<void>,
): void {
  let shared: SharedStore;
  let machines: Machines;
  beforeAll(async () => {
    shared = await share();
  });
  afterAll(() => shared.stop());
  beforeEach(async () => {
    machines = new Machines(shared);
    await begin(machines, shared);
  });
  afterEach(() => machines.close());
}
