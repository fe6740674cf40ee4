import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'redis';
import { RedisSessionStore } from '#sessions/redis/index';
import type { SessionStore } from '#sessions/ports/session-store';
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
} from '#sessions/testing/store/store.fixtures';
import { RedisServer } from '../support/redis-servers.js';

let server: RedisServer;
let prefixes = 0;
const open: RedisSessionStore[] = [];

beforeAll(async () => {
  server = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
});

afterAll(() => server.stop());

afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
});

function aPrefix(): string {
  prefixes += 1;
  return `specific-${prefixes}:`;
}

async function connected(prefix = aPrefix(), buckets = 16): Promise<RedisSessionStore> {
  const store = new RedisSessionStore({ url: server.url, prefix, buckets });
  open.push(store);
  await store.connect();
  return store;
}

/** How long a call takes to fail, in milliseconds. */
async function failsAfter(call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await expect(call()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryAfterSeconds: 1 });
  return performance.now() - startedAt;
}

/** Asks until there is an answer, for at most so long. */
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

describe('What a Redis store refuses', () => {
  it.each([
    { url: 'http://localhost:6379' },
    { url: [] },
    { url: 'redis://localhost', buckets: 100 },
    { url: 'redis://localhost', buckets: 8192 },
    { url: 'redis://localhost', prefix: 'a{b}' },
  ])('%j', (options) => {
    expect(() => new RedisSessionStore(options)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('to serve with another number of buckets than the store began with', async () => {
    const prefix = aPrefix();
    await connected(prefix, 16);
    await expect(connected(prefix, 32)).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('16 buckets'),
    });
  });

  it('a server that throws keys away when it is full', async () => {
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      await expect(connected()).rejects.toMatchObject({
        code: 'STORE_INCOMPATIBLE',
        message: expect.stringContaining('noeviction'),
      });
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    }
  });

  it('a session whose token or resource names another bucket', async () => {
    const store = await connected();
    const session = newSession({ id: '0010a0b1-0000-4000-8000-000000000000' });
    const foreign = tokenHash('0020a0b1-0000-4000-8000-000000000000');
    await expect(store.sessions.open({ ...session, tokenHash: foreign }, MANY)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await store.sessions.open(session, MANY);
    const resource = newResource(session.id, { id: '0020a0b1-0000-4000-8000-000000000001' });
    await expect(store.resources.reserve(resource, LIMITS)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
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

  it('takes in nothing new, and still ends, releases, touches and lives', async () => {
    const session = await opened(store);
    const file = await ready(store, session.id);
    const other = await ready(store, session.id);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');

    await expect(store.sessions.open(newSession(), MANY)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('out of memory'),
    });
    await expect(store.resources.reserve(newResource(session.id), LIMITS)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    await store.sessions.touch([{ sessionId: session.id, at: NOW + 1, requests: 1 }]);
    await store.fleet.heartbeat(beat({}));
    await expect(store.releases.beginRelease([file], lease(), 'any')).resolves.toHaveLength(1);
    await expect(store.releases.finishRelease([file.id], 'released')).resolves.toEqual({
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
  it('forgets its scripts without anybody noticing', async () => {
    const store = await connected();
    const session = await opened(store);
    await server.command('SCRIPT', 'FLUSH');
    await expect(store.sessions.find(session.id)).resolves.toMatchObject({ id: session.id });
    await expect(store.endings.beginEnd(session.id, anEnd())).resolves.not.toBeNull();
  });

  it('killed and started again, serves what it had, by itself', async () => {
    const store = await connected();
    const { position } = await store.feed.read(null, 10);
    const session = await opened(store);
    await server.signal('SIGKILL');
    await expect(failsAfter(() => store.sessions.find(session.id))).resolves.toBeLessThan(1500);
    await server.run();
    await expect(answered(() => store.sessions.find(session.id))).resolves.toMatchObject({ state: 'open' });
    // Who knows what was lost: readers of the feed forget what they remember.
    await expect(store.feed.read(position, 10)).resolves.toMatchObject({ reset: true, changes: [] });
  });

  it('hanging, holds nobody up for much longer than a second, and goes on where it was', async () => {
    const store = await connected();
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

  it('absent when the store connects, is told at once', async () => {
    const store = new RedisSessionStore({ url: 'redis://127.0.0.1:1' });
    await expect(failsAfter(() => store.connect())).resolves.toBeLessThan(2500);
  });

  it('emptied, is another store: with another generation, and with a feed that begins anew', async () => {
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
  it('read what the others changed', async () => {
    const prefix = aPrefix();
    const [one, other] = [await connected(prefix), await connected(prefix)];
    const { position } = await other.feed.read(null, 10);
    const session = await opened(one);
    await one.sessions.bindUser(session.id, 0, 'ada');
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

  it('open as many sessions as there may be, and not one more', async () => {
    const prefix = aPrefix();
    const stores: SessionStore[] = [
      await connected(prefix),
      await connected(prefix),
      await connected(prefix),
    ];
    const answers = await Promise.all(
      stores.flatMap((store) => Array.from({ length: 40 }, () => store.sessions.open(newSession(), 50))),
    );
    expect(answers.filter((answer) => answer === 'opened')).toHaveLength(50);
    await expect(stores[0]?.ledger.totals()).resolves.toMatchObject({ open: 50 });
  });

  it('settle the place of a session before they close, though its opening did not wait for that', async () => {
    const prefix = aPrefix();
    const store = await connected(prefix);
    await Promise.all([store.sessions.open(newSession(), 5), store.sessions.open(newSession(), 5)]);
    await store.close();
    await expect(server.command('ZCARD', `${prefix}{counts}:pending`)).resolves.toBe(0);
    await expect(server.command('HGET', `${prefix}{counts}:taken`, 'taken')).resolves.toBe('2');
  });

  it('count places anew that a crash left taken, before they say that all are', async () => {
    const prefix = aPrefix();
    const store = await connected(prefix);
    const session = await opened(store);
    const other = (Number.parseInt(session.id.slice(0, 3), 16) + 1) % 16;
    await server.command('HSET', `${prefix}{counts}:taken`, `reserved:${other}`, '999', 'taken', '1000');
    await expect(store.sessions.open(newSession(), 2)).resolves.toBe('opened');
    await expect(store.sessions.open(newSession(), 2)).resolves.toBe('full');
    await store.endings.beginEnd(session.id, anEnd());
    await expect(store.sessions.open(newSession(), 2)).resolves.toBe('opened');
  });

  it('free what a lost process had, where whoever struck it off died over it', async () => {
    const prefix = aPrefix();
    const store = await connected(prefix);
    const session = await opened(store);
    const unfinished = await writing(store, session.id);
    await server.command('HSET', `${prefix}{processes}:lost`, PROCESS, '0');
    const leased = await store.releases.leaseReleasing({ at: NOW, lease: lease(), limit: 10 });
    expect(leased.map(({ id }) => id)).toEqual([unfinished.id]);
    await expect(server.command('HLEN', `${prefix}{processes}:lost`)).resolves.toBe(0);
  });

  it('believe the index of users only as far as the sessions bear it out', async () => {
    const prefix = aPrefix();
    const store = await connected(prefix);
    const [ours, over, foreign] = [await opened(store), await opened(store), await opened(store)];
    await store.sessions.bindUser(ours.id, 0, 'ada');
    await store.sessions.bindUser(over.id, 0, 'ada');
    await store.endings.beginEnd(over.id, anEnd());
    const [index] = (await server.command('KEYS', `${prefix}user:*`)) as string[];
    await server.command('SADD', `${index}`, foreign.id);
    const found = await store.sessions.list({ limit: 10, sort: 'created_at', userId: 'ada' });
    expect(found.map(({ id }) => id)).toEqual([ours.id]);
    // One that is over can never be hers again; one that is open may be about to be.
    const left = (await server.command('SMEMBERS', `${index}`)) as string[];
    expect(left.toSorted()).toEqual([ours.id, foreign.id].toSorted());
  });
});

describe('A client that was handed in', () => {
  it('is used, and left to whoever made it', async () => {
    const client = createClient({ url: server.url });
    client.on('error', () => {});
    const store = new RedisSessionStore({ client, prefix: aPrefix() });
    await store.connect();
    const session = await opened(store);
    await expect(store.sessions.find(session.id)).resolves.not.toBeNull();
    await store.close();
    expect(client.isOpen).toBe(true);
    client.destroy();
  });
});
