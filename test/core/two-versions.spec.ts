import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startCore } from '#sessions/assembly/start-core';
import { resolveConfig } from '#sessions/core/config/config';
import { SessionsCore } from '#sessions/core/core';
import { AnchoredClock } from '#sessions/core/clock/system-clock';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { RedisSessionStore } from '#sessions/redis/index';
import { MemoryFileStorage } from '#sessions/storage/memory/memory-file-storage';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { ManualClock } from '#sessions/testing/manual-clock';
import { beat, newSession, upTo } from '#sessions/testing/store/store.fixtures';
import { eventually } from '../support/eventually.js';
import { RedisClusterServers, RedisServer } from '../support/redis-servers.js';
import { CLIENT } from '../support/world.js';

const OLD_PROGRAM = resolve(import.meta.dirname, '../support/core-program.mjs');
const STEP = 'ALTER TABLE sessions ADD COLUMN planted INTEGER NOT NULL DEFAULT 7';
const IN_USE = { code: 'STORE_INCOMPATIBLE', message: expect.stringContaining('older nest-sessions') };
const TAKEN = { code: 'STORE_INCOMPATIBLE', message: expect.stringContaining('A newer nest-sessions') };

interface StoreOptions {
  /** Whether it has one step more than the others. */
  readonly newer?: boolean;
  readonly mustExist?: boolean;
}

interface Ground {
  /** Before each test: there is no store yet. */
  renew(): Promise<void>;
  /** A store of one version on the data of this test. */
  make(options?: StoreOptions): SessionStore;
  stop(): Promise<unknown>;
}

async function sqlite(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  let path = '';
  return {
    renew: async () => void (path = join(await mkdtemp(join(folder, 'store-')), 'sessions.db')),
    make: ({ newer = false, mustExist = false } = {}) =>
      newer
        ? new SqliteSessionStore({ path, mustExist }, [STEP])
        : new SqliteSessionStore({ path, mustExist }),
    stop: () => rm(folder, { recursive: true }),
  };
}

async function redis(
  start: () => Promise<{ urls: readonly string[]; stop(): Promise<unknown> }>,
): Promise<Ground> {
  const servers = await start();
  let prefixes = 0;
  const step = (): Promise<void> => Promise.resolve();
  return {
    renew: async () => void (prefixes += 1),
    make: ({ newer = false, mustExist = false }: StoreOptions = {}) => {
      const options = {
        url: servers.urls,
        prefix: `test-${prefixes}:`,
        buckets: 16,
        mustExist,
        timeoutMs: 10_000,
      };
      return newer ? new RedisSessionStore(options, [step]) : new RedisSessionStore(options);
    },
    stop: () => servers.stop(),
  };
}

const GROUNDS: readonly [string, () => Promise<Ground>][] = [
  ['SQLite', sqlite],
  [
    'Redis',
    () =>
      redis(() => RedisServer.start().then((server) => ({ urls: [server.url], stop: () => server.stop() }))),
  ],
  ['Redis Cluster', () => redis(() => RedisClusterServers.start())],
];

describe.each(GROUNDS)('Two versions on one store of %s', (_name, prepare) => {
  let ground: Ground;
  let clock: ManualClock;
  let lines: string[];
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    ground = await prepare();
  }, 60_000);
  afterAll(() => ground.stop());

  beforeEach(async () => {
    await ground.renew();
    clock = new ManualClock();
    lines = [];
  });

  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  async function connected(options: StoreOptions = {}): Promise<SessionStore> {
    const store = ground.make(options);
    closing.push(() => store.close());
    await store.connect();
    return store;
  }

  async function server(store: SessionStore): Promise<SessionsCore> {
    const note = (line: string): void => void lines.push(line);
    const core = new SessionsCore({
      config: resolveConfig({ openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0 }, {}),
      store,
      storage: new MemoryFileStorage(),
      storageRoot: new MemoryStorageRoot(),
      clock,
      role: 'server',
      logFor: () => ({ debug() {}, log: note, warn: note, error: note }),
    });
    closing.push(async () => {
      await core.quiesce();
      await core.stop();
    });
    await core.start();
    return core;
  }

  /** Waits until the server has asked the store so many times more. */
  async function tries(store: SessionStore, times: number): Promise<void> {
    const connect = jest.spyOn(store, 'connect');
    await eventually('it has tried again', async () => connect.mock.calls.length >= times);
    connect.mockRestore();
  }

  it('the newer one waits while an older one lives, says for which, and goes on without a restart', async () => {
    const older = await server(ground.make());
    const opening = await older.service.open(CLIENT);
    if (opening.kind !== 'opened') throw new Error('not opened');
    const store = ground.make({ newer: true });
    const newer = await server(store);
    await tries(store, 2);
    expect(newer.store.trouble).toBe('older');
    await expect(newer.service.open(CLIENT)).rejects.toMatchObject(IN_USE);
    await expect(newer.store.ledger.totals()).rejects.toMatchObject(IN_USE);
    await newer.cleanup.runIfDue('idle');
    expect(lines).toEqual([expect.stringContaining(`process ${process.pid} on `)]);
    expect(await older.service.identify(opening.token.reveal(), CLIENT)).toMatchObject({ kind: 'live' });

    await older.quiesce();
    await older.stop();
    await eventually('it has taken over', async () => lines.length > 1);
    expect(lines.slice(1)).toEqual([expect.stringContaining('has taken the session store over')]);
    expect(newer.store.trouble).toBeNull();
    expect(await newer.service.identify(opening.token.reveal(), CLIENT)).toMatchObject({ kind: 'live' });
    expect(await newer.service.open(CLIENT)).toMatchObject({ kind: 'opened' });
  }, 60_000);

  it('the newer one counts an older one as gone after ten seconds in which it sent no heartbeat', async () => {
    const older = await connected();
    await older.fleet.heartbeat(beat({ at: clock.now() }));
    const store = ground.make({ newer: true });
    const newer = await server(store);
    clock.advance(9000);
    await older.fleet.heartbeat(beat({ at: clock.now() }));
    await tries(store, 2);
    clock.advance(9000);
    await tries(store, 2);
    expect(newer.store.trouble).toBe('older');
    clock.advance(1000);
    await eventually('it has taken over', async () => newer.store.trouble === null);
    await eventually('it serves', () => newer.service.open(CLIENT).catch(() => false as const));
  }, 60_000);

  it('one that sends a heartbeat after it was seen silent keeps the newer one out', async () => {
    const older = await connected();
    await older.fleet.heartbeat(beat({ at: clock.now() }));
    const silent = await older.fleet.listProcesses();
    await older.fleet.heartbeat(beat({ at: clock.now() + 1 }));
    await expect(ground.make({ newer: true }).connect(silent)).rejects.toMatchObject(IN_USE);
    await expect(older.sessions.open(newSession(), upTo(10))).resolves.toBe('opened');
  });

  it('an older one stops when its store was taken over: it refuses, deletes nothing and says why, once', async () => {
    const older = await server(ground.make());
    const opening = await older.service.open(CLIENT);
    if (opening.kind !== 'opened') throw new Error('not opened');
    const store = ground.make({ newer: true });
    closing.push(() => store.close());
    const asleep = await older.store.fleet.listProcesses();
    await store.connect(asleep.map((process) => ({ ...process, at: Number.MAX_SAFE_INTEGER })));

    await eventually('it notices', async () => older.store.trouble === 'newer');
    await expect(older.service.open(CLIENT)).rejects.toMatchObject(TAKEN);
    await expect(older.service.end({ id: opening.session.id })).rejects.toMatchObject(TAKEN);
    clock.advance(5000);
    await expect(older.service.identify(opening.token.reveal(), CLIENT)).rejects.toMatchObject(TAKEN);
    clock.advance(3_600_000);
    await older.cleanup.runIfDue('expired');
    expect(await store.sessions.find(opening.session.id)).toMatchObject({ state: 'open' });
    await eventually('it says so', async () => lines.length > 0);
    expect(lines).toEqual([expect.stringContaining('A newer nest-sessions')]);
  }, 60_000);

  it('a command takes no store over, and uses no newer one', async () => {
    await connected();
    await expect(ground.make({ newer: true, mustExist: true }).connect()).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('start the server of this version'),
    });
    await connected({ newer: true });
    await connected({ newer: true, mustExist: true });
    await expect(ground.make({ mustExist: true }).connect()).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('newer nest-sessions: update this one'),
    });
  });
});

describe('A migration of Redis', () => {
  let redisServer: RedisServer;
  beforeAll(async () => (redisServer = await RedisServer.start()));
  afterAll(() => redisServer.stop());

  it('that was not finished is repeated whole by the next process, and once only after that', async () => {
    const url = redisServer.url;
    const old = new RedisSessionStore({ url });
    await old.connect();
    await old.close();
    const done: string[] = [];
    const first = async (): Promise<void> => void done.push('first');
    const dies = async (): Promise<void> => Promise.reject(new Error('The process died.'));
    const second = async (): Promise<void> => void done.push('second');
    await expect(new RedisSessionStore({ url }, [first, dies]).connect()).rejects.toBeInstanceOf(Error);
    await expect(new RedisSessionStore({ url }).connect()).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
    });
    for (let time = 0; time < 2; time += 1) {
      const store = new RedisSessionStore({ url }, [first, second]);
      await store.connect();
      await store.close();
    }
    expect(done).toEqual(['first', 'first', 'second']);
  });
});

describe('Two processes of two versions on SQLite', () => {
  let storagePath: string;
  let older: ChildProcess;
  beforeEach(async () => {
    storagePath = join(await mkdtemp(join(tmpdir(), 'nest-sessions-')), 'root');
    older = fork(OLD_PROGRAM, [storagePath], { execArgv: [] });
    await once(older, 'message');
  });
  afterEach(async () => {
    const gone = once(older, 'exit');
    older.kill('SIGKILL');
    await gone;
    await rm(resolve(storagePath, '..'), { recursive: true });
  });

  async function openInOlder(): Promise<unknown> {
    const answer = once(older, 'message');
    older.send('open');
    const [outcome] = await answer;
    return outcome;
  }

  it('one that was stopped for more than ten seconds wakes up, and writes nothing more', async () => {
    expect(await openInOlder()).toBe('opened');
    const lines: string[] = [];
    const note = (line: string): void => void lines.push(line);
    const newer = await startCore({
      config: resolveConfig({ storagePath, openRate: 0, ballastBytes: 0, minFreeBytes: 0 }, {}),
      clock: new AnchoredClock(),
      role: 'server',
      logFor: () => ({ debug() {}, log: note, warn: note, error: note }),
      store: new SqliteSessionStore({ path: join(storagePath, 'sessions.db') }, [STEP]),
    });
    try {
      expect(lines).toEqual([expect.stringContaining(`process ${older.pid} on `)]);
      await expect(newer.service.open(CLIENT)).rejects.toMatchObject(IN_USE);
      expect(await openInOlder()).toBe('opened');
      older.kill('SIGSTOP');
      await eventually('it has taken over', async () => lines.length > 1, 60_000);
      expect(await newer.service.open(CLIENT)).toMatchObject({ kind: 'opened' });
      older.kill('SIGCONT');
      expect(await openInOlder()).toBe('STORE_INCOMPATIBLE');
      expect((await newer.store.ledger.totals()).created).toBe(3);
    } finally {
      await newer.quiesce();
      await newer.stop();
    }
  }, 120_000);
});
