import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'redis';
import { RedisSessionStore } from '#sessions/redis/index';
import { RedisConnection } from '#sessions/stores/redis/connection/redis.connection';
import type { SessionStore } from '#sessions/ports/store/session-store';
import {
  anEnd,
  beat,
  PROCESS,
  lease,
  LIMITS,
  MANY,
  newResource,
  newSession,
  NODE,
  NOW,
  opened,
  ready,
  tokenHash,
  writing,
  loggedIn,
  upTo,
} from '#sessions/testing/store/store.fixtures';
import { RedisServer } from '../support/redis-servers.js';

const OPTIONS = '--appendonly yes --appendfsync always --enable-debug-command yes'.split(' ');

let server: RedisServer;
let prefixes = 0;
const open: RedisSessionStore[] = [];

beforeAll(async () => {
  server = await RedisServer.start(OPTIONS);
});

afterAll(() => server.stop());

afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
});

function aPrefix(): string {
  prefixes += 1;
  return `specific-${prefixes}:`;
}

async function connected(prefix = aPrefix(), buckets = 16, timeoutMs = 10_000): Promise<RedisSessionStore> {
  const store = new RedisSessionStore({ url: server.url, prefix, buckets, timeoutMs });
  open.push(store);
  await store.connect();
  return store;
}

/** With the time limit that users get. */
const connectedByDefault = (): Promise<RedisSessionStore> => connected(aPrefix(), 16, 700);

/** The milliseconds until a call rejects. */
async function failsAfter(call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await expect(call()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryAfterSeconds: 1 });
  return performance.now() - startedAt;
}

/** Retries until there is an answer, up to a time limit. */
async function answered<T>(call: () => Promise<T>, withinMs = 5000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await wait(50);
    }
  }
}

describe('A Redis store refuses', () => {
  it.each([
    { url: 'http://localhost:6379' },
    { url: [] },
    { url: 'redis://localhost', buckets: 100 },
    { url: 'redis://localhost', buckets: 8192 },
    { url: 'redis://localhost', prefix: 'a{b}' },
  ])('%j', (options) => {
    expect(() => new RedisSessionStore(options)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('another number of buckets than at the creation of the store', async () => {
    const prefix = aPrefix();
    await connected(prefix, 16);
    await expect(connected(prefix, 32)).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('16 buckets'),
    });
  });

  it.each(['allkeys-lru', 'volatile-ttl'])(
    'a server whose maxmemory-policy evicts keys: %s',
    async (policy) => {
      await server.command('CONFIG', 'SET', 'maxmemory-policy', policy);
      try {
        await expect(connected()).rejects.toMatchObject({
          code: 'STORE_INCOMPATIBLE',
          message: expect.stringContaining('noeviction'),
        });
      } finally {
        await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      }
    },
  );

  it('a session whose token or resource belongs to another bucket', async () => {
    const store = await connected();
    const session = newSession({ id: '0010a0b1-0000-4000-8000-000000000000' });
    const foreign = tokenHash('0020a0b1-0000-4000-8000-000000000000');
    await expect(store.sessions.open({ ...session, tokenHash: foreign }, MANY)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`session ${session.id}: it must begin with \`AB\``),
    });
    await store.sessions.open(session, MANY);
    const resource = newResource(session.id, { id: '0020a0b1-0000-4000-8000-000000000001' });
    await expect(store.resources.reserve(resource, null, LIMITS)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`Resource id ${resource.id} is not one for session ${session.id}`),
    });
    await expect(store.sessions.findByToken(foreign)).resolves.toBeNull();
  });
});

describe('A Redis store out of memory', () => {
  let store: RedisSessionStore;

  beforeEach(async () => {
    store = await connected();
  });

  afterEach(() => server.command('CONFIG', 'SET', 'maxmemory', '0'));

  it('rejects new sessions and files, and still ends, releases, touches and accepts heartbeats', async () => {
    const session = await opened(store);
    const file = await ready(store, session.id);
    const other = await ready(store, session.id);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');

    await expect(store.sessions.open(newSession(), MANY)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('out of memory'),
    });
    await expect(store.resources.reserve(newResource(session.id), null, LIMITS)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    await store.sessions.touch([{ sessionId: session.id, at: NOW + 1, requests: 1 }]);
    await store.fleet.heartbeat(beat({}));
    await expect(store.releases.beginRelease([file.id], lease())).resolves.toHaveLength(1);
    await expect(store.releases.finishRelease([file.id])).resolves.toEqual({
      resources: 1,
      bytes: 10,
    });
    await expect(store.endings.beginEnd(session.id, anEnd())).resolves.toMatchObject({ state: 'ending' });
    await expect(store.endings.finishEnd(session.id, NODE, NOW)).resolves.toEqual({
      resources: 1,
      bytes: other.sizeBytes,
    });
    await expect(store.endings.dropTombstones(session.expiresAt, 10)).resolves.toBe(1);
  });
});

describe('A Redis that fails', () => {
  it('serves on after its scripts have been flushed', async () => {
    const store = await connected();
    const session = await opened(store);
    await server.command('SCRIPT', 'FLUSH');
    await expect(store.sessions.find(session.id)).resolves.toMatchObject({ id: session.id });
    await expect(store.endings.beginEnd(session.id, anEnd())).resolves.not.toBeNull();
  });

  it('is reconnected after a kill and restart, and serves the persisted sessions', async () => {
    const store = await connectedByDefault();
    const { position } = await store.feed.read(null, 10);
    const session = await opened(store);
    await server.signal('SIGKILL');
    await expect(failsAfter(() => store.sessions.find(session.id))).resolves.toBeLessThan(1500);
    await server.run();
    await expect(answered(() => store.sessions.find(session.id))).resolves.toMatchObject({ state: 'open' });
    // Writes may be lost, so readers of the feed are told to reset.
    await expect(store.feed.read(position, 10)).resolves.toMatchObject({ reset: true, changes: [] });
  });

  it('delays no call much longer than a second while it hangs, and serves on afterwards', async () => {
    const store = await connectedByDefault();
    const session = await opened(store);
    await server.signal('SIGSTOP');
    try {
      await expect(failsAfter(() => store.sessions.find(session.id))).resolves.toBeLessThan(1500);
      await expect(failsAfter(() => store.sessions.open(newSession(), MANY))).resolves.toBeLessThan(1500);
    } finally {
      await server.signal('SIGCONT');
    }
    await expect(answered(() => store.sessions.find(session.id))).resolves.toMatchObject({ state: 'open' });
  });

  it('is served by a new connection after a silence, also if the old one cannot be closed', async () => {
    let made = 0;
    const source = {
      isOurs: true,
      client: () => {
        const client = createClient({ url: server.url });
        made += 1;
        if (made > 1) return client;
        const destroy = client.destroy.bind(client);
        return Object.assign(client, {
          destroy() {
            destroy();
            throw new Error('The client is closed');
          },
        });
      },
    };
    const connection = new RedisConnection(source, 100);
    await connection.connect();
    await server.signal('SIGSTOP');
    try {
      const deadline = performance.now() + 10_000;
      while (made < 2 && performance.now() < deadline) {
        await connection.send('key', ['GET', 'key']).catch(() => wait(20));
      }
    } finally {
      await server.signal('SIGCONT');
    }
    await expect(answered(() => connection.send('key', ['PING']))).resolves.toBe('PONG');
    expect(made).toBe(2);
    await connection.close();
  });

  it('rejects connect at once while it is unreachable', async () => {
    const store = new RedisSessionStore({ url: 'redis://127.0.0.1:1' });
    await expect(failsAfter(() => store.connect())).resolves.toBeLessThan(2500);
  });

  it('tells readers again of the latest changes, also of sessions that none of them knew, after a failover', async () => {
    const prefix = aPrefix();
    const [here, there] = [await connected(prefix, 2), await connected(prefix, 2)];
    const before = await opened(here);
    await here.endings.beginEnd(before.id, anEnd());
    await here.endings.finishEnd(before.id, NODE, NOW);
    const { position } = await there.feed.read(null, 10);
    const read = await opened(here);
    const next = await there.feed.read(position, 10);
    expect(next.changes.map(({ id }) => id)).toEqual([read.id]);
    const [ended, ending] = [await opened(here), await opened(here)];
    for (const { id } of [ended, ending]) await here.endings.beginEnd(id, anEnd());
    await here.endings.finishEnd(ended.id, NODE, NOW);
    await server.command('DEBUG', 'CHANGE-REPL-ID');

    const reset = await there.feed.read(next.position, 10);
    expect(reset).toMatchObject({ reset: true, changes: [], more: true });
    const again = await there.feed.read(reset.position, 10);
    expect(again.reset).toBeUndefined();
    const states: [string, string][] = [
      [read.id, 'open'],
      [ended.id, 'ended'],
      [ending.id, 'ending'],
    ];
    expect(new Map(again.changes.map(({ id, state }) => [id, state]))).toEqual(new Map(states));
    expect(await there.feed.read(again.position, 10)).toMatchObject({ changes: [], more: false });
  });

  it('becomes another store when emptied: with a new generation and a feed that resets', async () => {
    const store = await connected();
    const before = await store.ledger.identity();
    const session = await opened(store);
    const { position } = await store.feed.read(null, 10);
    await server.command('FLUSHALL');
    await expect(store.sessions.find(session.id)).resolves.toBeNull();
    await expect(store.ledger.identity()).resolves.not.toMatchObject({ generation: before.generation });
    await expect(store.feed.read(position, 10)).resolves.toMatchObject({ reset: true });
  });
});

describe('Several processes on one Redis', () => {
  it('see the changes of the others', async () => {
    const prefix = aPrefix();
    const [one, other] = [await connected(prefix), await connected(prefix)];
    const { position } = await other.feed.read(null, 10);
    const session = await opened(one);
    await loggedIn(one, session);
    const next = await opened(one);
    const feed = await other.feed.read(position, 10);
    expect(new Map(feed.changes.map(({ id, userId }) => [id, userId]))).toEqual(
      new Map([
        [session.id, 'ada'],
        [next.id, null],
      ]),
    );
    expect(feed.reset).toBeUndefined();
  });

  it('open exactly as many sessions as the limit allows', async () => {
    const prefix = aPrefix();
    const stores: SessionStore[] = [
      await connected(prefix),
      await connected(prefix),
      await connected(prefix),
    ];
    const answers = await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 40 }, () => store.sessions.open(newSession(), upTo(50))),
      ),
    );
    expect(answers.filter((answer) => answer === 'opened')).toHaveLength(50);
    await expect(stores[0]?.ledger.totals()).resolves.toMatchObject({ open: 50 });
  });

  it('settle the count of an opened session before they close', async () => {
    const prefix = aPrefix();
    const store = await connected(prefix);
    await Promise.all([
      store.sessions.open(newSession(), upTo(5)),
      store.sessions.open(newSession(), upTo(5)),
    ]);
    await store.close();
    await expect(server.command('ZCARD', `${prefix}{counts}:pending`)).resolves.toBe(0);
    await expect(server.command('HGET', `${prefix}{counts}:taken`, 'taken')).resolves.toBe('2');
  });

  it('correct counts that a crash left reserved before they refuse a session', async () => {
    const prefix = aPrefix();
    const store = await connected(prefix);
    const session = await opened(store);
    const other = (Number.parseInt(session.id.slice(0, 3), 16) + 1) % 16;
    await server.command('HSET', `${prefix}{counts}:taken`, `reserved:${other}`, '999', 'taken', '1000');
    await expect(store.sessions.open(newSession(), upTo(2))).resolves.toBe('opened');
    await expect(store.sessions.open(newSession(), upTo(2))).resolves.toBe('full');
    await store.endings.beginEnd(session.id, anEnd());
    await expect(store.sessions.open(newSession(), upTo(2))).resolves.toBe('opened');
  });

  it('free the resources of a lost process if the process that struck it off died', async () => {
    const prefix = aPrefix();
    const store = await connected(prefix);
    const session = await opened(store);
    const unfinished = await writing(store, session.id);
    await server.command('HSET', `${prefix}{processes}:lost`, PROCESS, '0');
    const leased = await store.releases.leaseReleasing({ at: NOW, lease: lease(), limit: 10 });
    expect(leased.map(({ id }) => id)).toEqual([unfinished.id]);
    await expect(server.command('HLEN', `${prefix}{processes}:lost`)).resolves.toBe(0);
  });

  it('verify entries of the index of users against the sessions', async () => {
    const prefix = aPrefix();
    const store = await connected(prefix);
    const [ours, over, foreign] = [await opened(store), await opened(store), await opened(store)];
    await loggedIn(store, ours);
    await loggedIn(store, over);
    await store.endings.beginEnd(over.id, anEnd());
    const [index] = (await server.command('KEYS', `${prefix}user:*`)) as string[];
    await server.command('SADD', `${index}`, foreign.id);
    const { sessions: found } = await store.sessions.list({
      limit: 10,
      sort: 'created_at',
      filter: { userId: 'ada' },
    });
    expect(found.map(({ id }) => id)).toEqual([ours.id]);
    // An ended session can never be bound to her again; an open one may be about to be.
    const left = (await server.command('SMEMBERS', `${index}`)) as string[];
    expect(left.toSorted()).toEqual([ours.id, foreign.id].toSorted());
  });
});

describe('A client of the application', () => {
  it('is used, and not closed', async () => {
    const client = createClient({ url: server.url });
    client.on('error', () => {});
    const store = new RedisSessionStore({ client, prefix: aPrefix(), timeoutMs: 10_000 });
    await store.connect();
    const session = await opened(store);
    await expect(store.sessions.find(session.id)).resolves.not.toBeNull();
    await store.close();
    expect(client.isOpen).toBe(true);
    client.destroy();
  });
});
