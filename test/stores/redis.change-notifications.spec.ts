import { createClient } from 'redis';
import { authorityOf } from '#sessions/domain/session';
import { RedisSessionStore, type RedisSessionStoreOptions } from '#sessions/redis/index';
import { anEnd, opened, tokenHash, NOW, loggedIn } from '#sessions/testing/store/store.fixtures';
import { eventually } from '../support/eventually.js';
import { RedisClusterServers, RedisServer } from '../support/redis-servers.js';

/** Long, as these tests do not measure time. */
const SETTINGS = { prefix: 'news:', buckets: 16, timeoutMs: 10_000 };

/** A store that counts its notifications. */
class Listener {
  heard = 0;
  readonly refusals: unknown[] = [];

  private constructor(readonly store: RedisSessionStore) {}

  static async on(options: RedisSessionStoreOptions): Promise<Listener> {
    const listener = new Listener(new RedisSessionStore({ ...SETTINGS, ...options }));
    await listener.store.connect();
    listener.store.onChange(() => (listener.heard += 1)).catch((error) => listener.refusals.push(error));
    return listener;
  }

  /** Repeats `tell` until a notification arrives: without a subscriber it is lost. */
  async hearing(tell: () => Promise<unknown>): Promise<void> {
    await eventually('news are heard', async () => {
      const before = this.heard;
      await tell();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return this.heard > before;
    });
  }
}

/** Makes every announced change on one session. */
async function changeAll(store: RedisSessionStore): Promise<string> {
  const session = await opened(store);
  await loggedIn(store, session);
  await store.sessions.regenerate(session.id, null, { tokenHash: tokenHash(session.id), at: NOW });
  await store.endings.beginEnd(session.id, anEnd());
  return session.id;
}

describe('Change notifications of a Redis store', () => {
  let server: RedisServer;
  let maker: RedisSessionStore;
  const open: { close(): Promise<void> }[] = [];

  async function aListener(options: RedisSessionStoreOptions = { url: server.url }): Promise<Listener> {
    const listener = await Listener.on(options);
    open.push(listener.store);
    return listener;
  }

  beforeEach(async () => {
    server = await RedisServer.start();
    maker = new RedisSessionStore({ ...SETTINGS, url: server.url });
    open.push(maker);
    await maker.connect();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((store) => store.close()));
    await server.stop();
  });

  it('announce logins, regenerates and ends after the feed has them, and no opens', async () => {
    const listener = await aListener();
    await listener.hearing(() => changeAll(maker));
    const { position } = await listener.store.feed.read(null, 10);
    const { heard } = listener;
    const [first, second] = [await opened(maker), await opened(maker)];
    await loggedIn(maker, first);
    const token = { tokenHash: tokenHash(first.id), at: NOW };
    await maker.sessions.regenerate(first.id, null, token);
    await maker.endings.beginEnd(second.id, anEnd());
    await eventually('all is heard', async () => listener.heard >= heard + 3);
    expect(listener.heard).toBe(heard + 3);
    const { changes } = await listener.store.feed.read(position, 10);
    expect(changes.map(({ id, state, authority }) => [id, state, authority])).toEqual([
      [first.id, 'open', authorityOf(token.tokenHash)],
      [second.id, 'ending', authorityOf(second.tokenHash)],
    ]);
  });

  it('are lost with their connection, which reconnects, and the feed misses nothing', async () => {
    const listener = await aListener();
    await listener.hearing(() => changeAll(maker));
    const { position } = await listener.store.feed.read(null, 10);
    const { heard } = listener;
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const ended = await changeAll(maker);
    const { changes } = await listener.store.feed.read(position, 10);
    expect(changes.map(({ id, state }) => [id, state])).toEqual([[ended, 'ending']]);
    expect(listener.heard).toBe(heard);
    await listener.hearing(() => changeAll(maker));
    expect(listener.refusals).toEqual([]);
  });

  it('resume after an outage of the server', async () => {
    const listener = await aListener();
    await server.signal('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await server.run();
    await eventually('it serves', () => maker.ledger.identity().catch(() => false as const));
    await listener.hearing(() => changeAll(maker));
    expect(listener.refusals).toEqual([]);
  });

  it('reject once for a user without the right to subscribe, who can still end sessions', async () => {
    await server.command('ACL', 'SETUSER', 'deaf', 'on', '>secret', '~*', '+@all', 'resetchannels');
    const listener = await aListener({ url: server.url.replace('//', '//deaf:secret@') });
    await eventually('it is refused', async () => listener.refusals.length > 0);
    expect(listener.refusals).toEqual([expect.objectContaining({ code: 'STORE_UNAVAILABLE' })]);
    const session = await opened(listener.store);
    await expect(listener.store.endings.beginEnd(session.id, anEnd())).resolves.toMatchObject({
      state: 'ending',
    });
    await expect(maker.sessions.find(session.id)).resolves.toMatchObject({ state: 'ending' });
  });

  it('use a duplicate of the given client, which is closed with the store', async () => {
    const client = createClient({ url: server.url });
    client.on('error', () => {});
    const listener = await aListener({ client });
    await listener.hearing(() => changeAll(maker));
    await listener.store.close();
    expect(client.isOpen).toBe(true);
    await eventually('nobody listens', async () => {
      const clients = String(await server.command('CLIENT', 'LIST', 'TYPE', 'pubsub'));
      return clients === '';
    });
    client.destroy();
  });
});

describe('Change notifications of a Redis cluster', () => {
  it('reach subscribers of any node', async () => {
    const cluster = await RedisClusterServers.start();
    const [maker, listener] = [
      new RedisSessionStore({ ...SETTINGS, url: cluster.urls }),
      await Listener.on({ url: cluster.urls }),
    ];
    try {
      await maker.connect();
      await listener.hearing(() => changeAll(maker));
      const { heard } = listener;
      const sessions = await Promise.all(Array.from({ length: 60 }, () => opened(maker)));
      await Promise.all(sessions.map(({ id }) => maker.endings.beginEnd(id, anEnd())));
      // The sessions are on all three masters; the subscription is on one node.
      await eventually('all is heard', async () => listener.heard >= heard + sessions.length);
      expect(listener.refusals).toEqual([]);
    } finally {
      await Promise.all([maker.close(), listener.store.close()]);
      await cluster.stop();
    }
  }, 60_000);
});
