import { setTimeout as wait } from 'node:timers/promises';
import { authorityOf } from '#sessions/domain/session';
import type { NewSession, SessionRecord } from '#sessions/domain/session';
import { RedisSessionStore, type RedisSessionStoreOptions } from '#sessions/redis/index';
import { anEnd, NOW, opened, present, tokenHash, loggedIn } from '#sessions/testing/store/store.fixtures';
import { eventually } from '../support/eventually.js';
import { RedisClusterServers, RedisServer } from '../support/redis-servers.js';

const WAIT_MS = 100;

const open: RedisSessionStore[] = [];

/** A long time limit, as these tests measure only the wait for a replica. */
async function connected(options: RedisSessionStoreOptions): Promise<RedisSessionStore> {
  const store = new RedisSessionStore({ buckets: 64, timeoutMs: 10_000, ...options });
  open.push(store);
  await store.connect();
  return store;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
});

function openedMany(store: RedisSessionStore, count: number): Promise<NewSession[]> {
  return Promise.all(Array.from({ length: count }, () => opened(store)));
}

describe('A Redis with a replica', () => {
  let master: RedisServer;
  let replica: RedisServer;
  let store: RedisSessionStore;

  beforeEach(async () => {
    master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
    replica = await RedisServer.start(['--replicaof', `127.0.0.1 ${master.port}`]);
    await eventually('the replica is there', async () =>
      /master_link_status:up/.test(String(await replica.command('INFO', 'replication'))),
    );
    store = await connected({ url: master.url });
  });
  afterEach(async () => {
    await Promise.all([master.stop(), replica.stop()]);
  });

  it('has each end, login and regenerate on both servers before the answer', async () => {
    const [session, other] = [await opened(store), await opened(store)];
    // Retries, as a busy machine may take longer than the limit.
    await eventually('a replica confirms', async () => {
      const before = store.unconfirmed;
      await loggedIn(store, session);
      return store.unconfirmed === before;
    });
    const token = { tokenHash: tokenHash(session.id), at: NOW };
    await store.sessions.regenerate(session.id, null, token);
    await store.endings.beginEnd(other.id, anEnd());
    const texts = await Promise.all(
      [session, other].map(async ({ id }) => {
        const bucket = Number.parseInt(id.slice(0, 3), 16) % 64;
        return String(await replica.command('GET', `nest-sessions:{${bucket}}:sessions:${id}`));
      }),
    );
    expect(texts.map((text) => JSON.parse(text))).toMatchObject([
      { tokenHash: token.tokenHash },
      { state: 'ending' },
    ]);
  });

  describe('that hangs', () => {
    let sessions: NewSession[];

    beforeEach(async () => {
      sessions = await openedMany(store, 50);
      await replica.signal('SIGSTOP');
    });
    afterEach(() => replica.signal('SIGCONT'));

    it('delays an end only until the time limit, and the end stands', async () => {
      const [session] = sessions;
      const startedAt = performance.now();
      await expect(store.endings.beginEnd(session?.id ?? '', anEnd())).resolves.toMatchObject({
        state: 'ending',
      });
      expect(performance.now() - startedAt).toBeGreaterThan(WAIT_MS - 5);
      expect(store.unconfirmed).toBe(1);
      await expect(store.sessions.find(session?.id ?? '')).resolves.toMatchObject({ state: 'ending' });
    });

    it('is waited for once by concurrent ends', async () => {
      const [last, ...others] = sessions;
      const ends = await Promise.all(others.map(({ id }) => store.endings.beginEnd(id, anEnd())));
      // The answer follows all earlier WAITs.
      ends.push(await store.endings.beginEnd(last?.id ?? '', anEnd()));
      expect(ends.every((end) => end?.state === 'ending')).toBe(true);
      const statistics = String(await master.command('INFO', 'commandstats'));
      const waits = Number(/cmdstat_wait:calls=(\d+)/.exec(statistics)?.[1]);
      expect(waits).toBeGreaterThan(0);
      expect(waits).toBeLessThan(10);
    });

    it('is waited for on a connection without reads', async () => {
      const [session] = sessions;
      await store.endings.beginEnd(session?.id ?? '', anEnd());
      await store.sessions.find(session?.id ?? '');
      const clients = String(await master.command('CLIENT', 'LIST', 'TYPE', 'normal'));
      const commands = [...clients.matchAll(/ cmd=(\S+)/g)].map(([, command]) => command);
      expect(commands).toHaveLength(3);
      expect(new Set(commands)).toEqual(new Set(['client|list', 'mget', 'wait']));
    });
  });
});

describe('A Redis without a replica', () => {
  it('needs no second connection and no wait', async () => {
    const server = await RedisServer.start();
    try {
      const store = await connected({ url: server.url });
      const session = await opened(store);
      await store.endings.beginEnd(session.id, anEnd());
      expect(store.unconfirmed).toBe(0);
      const statistics = String(await server.command('INFO', 'commandstats'));
      expect(statistics).toContain('cmdstat_evalsha');
      expect(statistics).not.toContain('cmdstat_wait');
      const clients = String(await server.command('CLIENT', 'LIST'))
        .trim()
        .split('\n');
      // The connections of the store and of this query.
      expect(clients).toHaveLength(2);
    } finally {
      await server.stop();
    }
  });
});

describe('When a master is lost', () => {
  let cluster: RedisClusterServers;
  let maker: RedisSessionStore;
  let other: RedisSessionStore;

  beforeEach(async () => {
    cluster = await RedisClusterServers.start();
    [maker, other] = [await connected({ url: cluster.urls }), await connected({ url: cluster.urls })];
  }, 60_000);
  afterEach(() => cluster.stop());

  /** Retries until there is an answer. */
  function answered<T extends object>(question: () => Promise<T>): Promise<T> {
    return eventually('it is answered', () => question().catch(() => false as const), 40_000);
  }

  it('right after the answer, its replica has the end', async () => {
    const sessions = await openedMany(maker, 60);
    const ends = await Promise.all(sessions.map(({ id }) => maker.endings.beginEnd(id, anEnd())));
    expect(ends.every((end) => end?.state === 'ending')).toBe(true);
    const { unconfirmed } = maker;
    await cluster.masters[0]?.signal('SIGKILL');
    const found = await answered(() => Promise.all(sessions.map(({ id }) => other.sessions.find(id))));
    expect(unconfirmed).toBe(0);
    expect(found.map((session) => session?.state)).toEqual(sessions.map(() => 'ending'));
  }, 60_000);

  it('with unreplicated changes, the process that made them repeats them, and all processes see them', async () => {
    const ended = await openedMany(maker, 30);
    const renewed = await openedMany(maker, 30);
    const bound = await openedMany(maker, 30);
    const tokens = renewed.map(({ id }) => tokenHash(id));
    const { position: makers } = await maker.feed.read(null, 500);
    const { position: others } = await other.feed.read(null, 500);
    // Both servers must have the opened sessions.
    await wait(500);
    // A stopped process would still read its socket buffer when it continues.
    await cluster.servers[3]?.signal('SIGSTOP');
    await cluster.masters[0]?.command('CLIENT', 'KILL', 'TYPE', 'replica');
    await Promise.all([
      ...ended.map(({ id }) => maker.endings.beginEnd(id, anEnd({ reason: 'admin' }))),
      ...renewed.map(({ id, tokenHash: old }, index) =>
        maker.sessions.regenerate(id, authorityOf(old), { tokenHash: tokens[index] ?? '', at: NOW }),
      ),
      ...bound.map(({ id, tokenHash: old }) =>
        maker.sessions.login(id, authorityOf(old), { userId: 'ada', tokenHash: tokenHash(id), at: NOW }),
      ),
    ]);
    expect(maker.unconfirmed).toBeGreaterThan(0);
    await cluster.masters[0]?.signal('SIGKILL');
    await cluster.servers[3]?.signal('SIGCONT');

    const lost: string[] = [];
    for (const [sessions, isLost] of [
      [ended, ({ state }) => state === 'open'],
      [renewed, ({ tokenHash: hash }) => !tokens.includes(hash)],
      [bound, ({ userId }) => userId === null],
    ] satisfies [NewSession[], (session: SessionRecord) => boolean][]) {
      const found = await answered(() => findAll(sessions));
      const ids = found.filter(isLost).map(({ id }) => id);
      expect(ids).not.toEqual([]);
      lost.push(...ids);
    }
    const reset = await answered(() => other.feed.read(others, 500));
    expect(reset.reset).toBe(true);
    await expect(answered(() => maker.feed.read(makers, 500))).resolves.toMatchObject({ reset: true });

    const over = { state: 'ending', endReason: 'admin' };
    expect(await findAll(ended)).toEqual(ended.map(() => expect.objectContaining(over)));
    expect(await findAll(bound)).toEqual(bound.map(() => expect.objectContaining({ userId: 'ada' })));
    for (const [index, { tokenHash: old }] of renewed.entries()) {
      await expect(other.sessions.findByToken(old)).resolves.toMatchObject({ current: false });
      await expect(other.sessions.findByToken(tokens[index] ?? '')).resolves.toMatchObject({ current: true });
    }
    const { changes } = await other.feed.read(reset.position, 500);
    expect(changes.map(({ id }) => id)).toEqual(expect.arrayContaining(lost));
  }, 90_000);

  async function findAll(sessions: readonly NewSession[]): Promise<SessionRecord[]> {
    return Promise.all(sessions.map(async ({ id }) => present(await other.sessions.find(id))));
  }
});
