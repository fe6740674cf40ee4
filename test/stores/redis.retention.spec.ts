import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionRecord } from '#sessions/domain/session';
import { REPEATED_MS } from '#sessions/ports/data';
import { RedisSessionStore } from '#sessions/redis/index';
import { KEPT_AFTER_END_MS, KEPT_UNTENDED_MS } from '#sessions/stores/redis/scripts/redis.layout';
import {
  anEnd,
  beat,
  complete,
  HOUR,
  lease,
  MINUTE,
  NODE,
  NOW,
  newSession,
  opened,
  OTHER_NODE,
  PROCESS,
  ready,
  tokenHash,
  writing,
} from '#sessions/testing/store/store.fixtures';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-servers.js';

const USER = 'user-of-the-house';
const ADDRESS = '198.51.100.77';
const AGENT = 'Agent of the house';
const FILE_NAME = 'diary-of-the-house';
const DATA = 'data-of-the-house';
const NETWORK = `${ADDRESS}/32`;
/** Keys of the store as a whole: they name no session. */
// Trends are counts without ids.
const OF_THE_STORE =
  /^(?:store|trends:.*|\{processes\}:.*|\{counts\}:(?:taken|pending)|job:.*|\{\d+\}:totals)$/;
/** All clocks of the machine run on while a test does. */
const SLACK_MS = MINUTE;

describe('What sessions leave in Redis', () => {
  let server: RedisServer;
  let store: RedisSessionStore;

  beforeEach(async () => {
    server = await RedisServer.start(['--appendonly', 'no', '--rdbcompression', 'no']);
    store = new RedisSessionStore({ url: server.url, prefix: '', buckets: 2, timeoutMs: 10_000 });
    await store.connect();
  });

  afterEach(async () => {
    await store.close();
    await server.stop();
  });

  async function keys(): Promise<string[]> {
    const [cursor, found] = (await server.command('SCAN', '0', 'COUNT', '10000')) as [string, string[]];
    expect(cursor).toBe('0');
    return found.filter((key) => !OF_THE_STORE.test(key)).toSorted();
  }

  /** Milliseconds; -1 without a lifetime. */
  async function lifetimes(of: RegExp): Promise<number[]> {
    const matching = (await keys()).filter((key) => of.test(key));
    return Promise.all(matching.map(async (key) => Number(await server.command('PTTL', key))));
  }

  /** A session with data and a user, after two logins of that user and a new token, and the id of a file of each state. */
  async function lived(differing: { readonly expiresAt?: number } = {}) {
    const session = newSession({ ipAddress: ADDRESS, userAgent: AGENT, ...differing });
    const network = { key: NETWORK, openRate: 100, maxUnconfirmed: 100 };
    expect(await store.sessions.open(session, { maxSessions: 100, network })).toBe('opened');
    const { id } = session;
    await store.sessions.touch([{ sessionId: id, at: NOW + 1, requests: 1 }]);
    for (let count = 0; count < 2; count += 1) {
      const login = { userId: USER, tokenHash: tokenHash(id), at: NOW };
      expect(await store.sessions.login(id, null, login)).toBe('done');
    }
    await store.sessions.regenerate(id, null, { tokenHash: tokenHash(id), at: NOW });
    const operation = randomBytes(12).toString('base64url');
    const changes = [{ key: DATA, json: `"${DATA}"` }];
    const limits = { maxBytes: 100, maxKeys: 1 };
    expect(await store.data.write(id, null, { operation, at: NOW, changes, limits })).toBe('done');
    const of = { fileName: FILE_NAME };
    const file = await ready(store, id, 10, of);
    await store.resources.use(file.id, null, PROCESS, NOW);
    const unfinished = await writing(store, id, 10, of);
    const completed = await complete(store, id, 10, of);
    const released = await ready(store, id, 10, of);
    await store.releases.beginRelease([released.id], lease());
    return { session, files: [file.id, unfinished.id, completed.id, released.id] };
  }

  it('lives a week beyond the new absolute end, after a login that moves it', async () => {
    const life = await lived();
    const { id } = life.session;
    const day = 24 * HOUR;
    const login = { userId: USER, tokenHash: tokenHash(id), at: NOW, expiresAt: NOW + day };
    expect(await store.sessions.login(id, null, login)).toBe('done');
    await writing(store, id, 10);
    const [session, token, files, users, data] = await Promise.all(
      [/:sessions:/, /:tokens:/, /:resources:/, /^user:/, /:data:/].map(lifetimes),
    );
    expect([session, token, files, users, data].map((some) => some?.length)).toEqual([1, 1, 5, 1, 1]);
    for (const left of [session, token, files, users, data].flat().map(Number)) {
      expect(left).toBeGreaterThan(day + KEPT_AFTER_END_MS - SLACK_MS);
      expect(left).toBeLessThanOrEqual(day + KEPT_AFTER_END_MS);
    }
  });

  async function recordsOf({ session, files }: Awaited<ReturnType<typeof lived>>): Promise<string[]> {
    const all = await keys();
    const { tokenHash: token } = (await store.sessions.find(session.id)) as SessionRecord;
    return all.filter((key) => [session.id, token, ...files].some((name) => key.endsWith(`:${name}`)));
  }

  async function lose(lost: readonly string[]): Promise<void> {
    expect(await server.command('DEL', ...lost)).toBe(lost.length);
  }

  async function sums() {
    const { created, open, ending, ended, types } = await store.ledger.totals();
    const [audio] = types;
    const files = (await store.fleet.listNodes()).map(({ nodeId, resources }) => [nodeId, resources]);
    const taken = Number(await server.command('HGET', '{counts}:taken', 'taken'));
    return {
      created,
      open,
      ending,
      expired: ended.expired,
      taken,
      files,
      active: [audio?.active, audio?.activeBytes],
    };
  }

  /** The members of all indexes, without those that have a lifetime of their own. */
  async function indexed(): Promise<string[]> {
    const found = await Promise.all(
      (await keys()).map(async (key) => {
        if ((await server.command('TYPE', key)) !== 'zset' || /replaced_at|\{counts\}/.test(key)) return [];
        return (await server.command('ZRANGE', key, '0', '-1')) as string[];
      }),
    );
    return found.flat();
  }

  it('has a lifetime from its first write on: a week beyond the absolute end of its session', async () => {
    const one = await lived();
    expect(await recordsOf(one)).toHaveLength(7);
    const until = HOUR + KEPT_AFTER_END_MS;
    for (const left of await lifetimes(/:(?:sessions|tokens|resources|data):|^user:/)) {
      expect(left).toBeGreaterThan(until - SLACK_MS);
      expect(left).toBeLessThanOrEqual(until);
    }
    expect(await lifetimes(/^\{counts\}/)).not.toContain(-1);
    // A longer session of the same user lengthens the index of the user, a shorter one does not cut it.
    await lived({ expiresAt: NOW + 300 * 24 * HOUR });
    await lived();
    const [index = 0] = await lifetimes(/^user:/);
    expect(index).toBeGreaterThan(300 * 24 * HOUR + KEPT_AFTER_END_MS - SLACK_MS);

    await store.ledger.noteFailures(NODE, [{ item: `Session ${one.session.id}`, tries: 1, retryAt: NOW }]);
    await store.endings.dropTombstones(NOW, 10);
    const all = await lifetimes(/./);
    expect(all.length).toBeGreaterThan(20);
    expect(all).not.toContain(-1);
    const indexes = await lifetimes(/:(?:idle|expiry|created|activity|changes|held|by_process|releasing)$/);
    expect(Math.min(...indexes)).toBeGreaterThan(KEPT_UNTENDED_MS - SLACK_MS);
  });

  it('keeps its lifetime with its end, and gets a new one while the end waits for a node', async () => {
    const one = await lived();
    const { id } = one.session;
    await ready(store, id, 10, { nodeId: OTHER_NODE });
    await store.endings.beginEnd(id, anEnd());
    await store.endings.finishEnd(id, NODE, NOW);
    const left = await keys();
    expect(left.filter((key) => key.includes(':data:'))).toEqual([]);
    const records = left.filter((key) => /:(?:sessions|tokens|resources):/.test(key));
    expect(records).toHaveLength(3);
    for (const key of records) await server.command('PEXPIRE', key, String(HOUR));
    await store.endings.dropTombstones(NOW, 10);
    for (const ms of await lifetimes(/:(?:sessions|tokens|resources):/))
      expect(ms).toBeGreaterThan(KEPT_AFTER_END_MS - SLACK_MS);
    await store.endings.finishEnd(id, OTHER_NODE, NOW);
    expect(await lifetimes(/:(?:sessions|tokens):/)).not.toContain(-1);
  });

  it('is mended when its records have expired: no index names it, and the sums are those of the others', async () => {
    await store.fleet.heartbeat(beat({}));
    const other = await lived({ expiresAt: NOW + 10 * HOUR });
    await store.endings.dropTombstones(NOW, 10);
    const before = await sums();
    const indexedBefore = (await indexed()).toSorted();
    const open = await lived();
    const ending = await lived();
    await store.endings.beginEnd(ending.session.id, anEnd());
    const ended = await opened(store);
    await store.endings.beginEnd(ended.id, anEnd());
    await store.endings.finishEnd(ended.id, NODE, NOW);
    await lose([...(await recordsOf(open)), ...(await recordsOf(ending))]);
    await lose((await keys()).filter((key) => key.endsWith(`:sessions:${ended.id}`)));
    expect(await sums()).toMatchObject({ open: 2, ending: 1, files: [[NODE, 12]], active: [12, 120] });

    // Not due yet: an index is read up to the instant alone.
    await store.endings.dropTombstones(NOW, 10);
    expect(await sums()).toMatchObject({ open: 2, ending: 0, taken: 2 });
    expect(await store.endings.countDue(NOW + HOUR)).toEqual({ idle: 2, expired: 1 });
    // The number of all open sessions is corrected once a second at most.
    await eventually('the sessions are counted anew', async () => {
      await store.endings.dropTombstones(NOW + HOUR, 10);
      return (await sums()).taken === 1;
    });
    expect(await sums()).toEqual({ ...before, created: 4, expired: 1 });
    expect((await indexed()).toSorted()).toEqual(indexedBefore);
    expect(await store.endings.countDue(NOW + HOUR)).toEqual({ idle: 1, expired: 0 });
    expect(await store.sessions.find(other.session.id)).toMatchObject({ state: 'open', userId: USER });
  });

  it('is deleted by the mending when the record of its session was lost and its data was not', async () => {
    const { session } = await lived();
    await lose((await keys()).filter((key) => key.endsWith(`:sessions:${session.id}`)));
    expect((await keys()).filter((key) => key.includes(':data:'))).toHaveLength(1);
    await store.endings.dropTombstones(NOW + HOUR, 10);
    expect((await keys()).filter((key) => key.includes(':data:'))).toEqual([]);
  });

  it('is mended at the end of its session when only the record of a file was lost', async () => {
    await store.fleet.heartbeat(beat({}));
    const { session, files } = await lived();
    await lose((await keys()).filter((key) => files.slice(2).some((id) => key.endsWith(`:${id}`))));
    await store.endings.dropTombstones(NOW, 10);
    expect(
      await store.releases.leaseReleasing({ at: NOW + HOUR, lease: lease(NOW + 2 * HOUR), limit: 10 }),
    ).toEqual([]);
    await store.endings.beginEnd(session.id, anEnd());
    await store.endings.finishEnd(session.id, NODE, NOW);
    await store.endings.dropTombstones(NOW, 10);
    expect(await sums()).toMatchObject({ open: 0, ending: 0, files: [[NODE, 0]], active: [0, 0] });
  });

  it('hides no change from a reader of the feed', async () => {
    const { position } = await store.feed.read(null, 10);
    const sessions = await Promise.all(Array.from({ length: 40 }, () => opened(store)));
    const lost = new Set(sessions.slice(0, 20).map(({ id }) => id));
    await lose((await keys()).filter((key) => [...lost].some((id) => key.endsWith(`:sessions:${id}`))));
    const heard = new Set<string>();
    let feed = await store.feed.read(position, 7);
    for (; ; feed = await store.feed.read(feed.position, 7)) {
      for (const { id } of feed.changes) heard.add(id);
      if (!feed.more) break;
    }
    expect([...heard].toSorted()).toEqual(
      sessions
        .map(({ id }) => id)
        .filter((id) => !lost.has(id))
        .toSorted(),
    );
    expect(await store.sessions.findByToken(sessions[0]?.tokenHash ?? '')).toBeNull();
  });

  it('is not in the index of its user from its end on, however it ends', async () => {
    const members = async (): Promise<string[]> => {
      const index = (await keys()).find((key) => key.startsWith('user:'));
      return index === undefined ? [] : ((await server.command('SMEMBERS', index)) as string[]);
    };
    await store.fleet.heartbeat(beat({}));
    const [finished, forgotten] = [await lived(), await lived()];
    const taken = await opened(store);
    await store.sessions.login(taken.id, null, { userId: 'ada', tokenHash: tokenHash(taken.id), at: NOW });
    const login = { userId: USER, tokenHash: tokenHash(taken.id), at: NOW };
    expect(await store.sessions.login(taken.id, null, login)).toBe('taken');
    const indexes = (await keys()).filter((key) => key.startsWith('user:'));
    const sizes = await Promise.all(indexes.map((key) => server.command('SCARD', key)));
    expect(sizes.map(Number).toSorted((a, b) => a - b)).toEqual([1, 2]);
    await store.endings.beginEnd(taken.id, anEnd());
    await store.endings.finishEnd(taken.id, NODE, NOW);
    await store.endings.beginEnd(finished.session.id, anEnd());
    // While the index cannot be written, the session has not ended: the next cleanup finishes the end.
    const index = (await keys()).find((key) => key.startsWith('user:')) ?? '';
    await server.command('RENAME', index, 'kept');
    await server.command('SET', index, 'no set');
    await expect(store.endings.finishEnd(finished.session.id, NODE, NOW)).rejects.toBeDefined();
    expect(await store.sessions.find(finished.session.id)).toMatchObject({ state: 'ending' });
    await server.command('RENAME', 'kept', index);
    await store.endings.finishEnd(finished.session.id, NODE, NOW);
    expect(await members()).toEqual([forgotten.session.id]);
    await store.endings.beginEnd(forgotten.session.id, anEnd());
    await store.fleet.forgetNode(NODE, NOW, NOW);
    expect(await store.sessions.find(forgotten.session.id)).toMatchObject({ state: 'ended' });
    expect(await members()).toEqual([]);
  });

  it('is neither a user nor an address, agent or file name once they have ended, nor an id once they are forgotten', async () => {
    const dump = async (): Promise<Buffer> => {
      await server.command('SAVE');
      const { dir: folder = '' } = (await server.command('CONFIG', 'GET', 'dir')) as { dir?: string };
      return readFileSync(join(folder, 'dump.rdb'));
    };
    const traces = async (names: readonly string[]): Promise<string[]> => {
      const bytes = await dump();
      return names.filter((name) => bytes.includes(name));
    };
    const secrets = [USER, ADDRESS, AGENT, FILE_NAME, DATA];
    const all = [await lived(), await lived(), await lived()];
    const ids = all.flatMap(({ session, files }) => [session.id, ...files]);
    expect(await traces([...secrets, ...ids])).toEqual([...secrets, ...ids]);
    for (const { session } of all) {
      await store.endings.beginEnd(session.id, anEnd());
      await store.endings.finishEnd(session.id, NODE, NOW);
    }
    // The counters of the network name it, for two minutes by the clock of Redis.
    const counters = (await keys()).filter((key) => key.includes(NETWORK));
    for (const key of counters) {
      expect(Number(await server.command('PTTL', key))).toBeLessThanOrEqual(20 * MINUTE);
      await server.command('DEL', key);
    }
    expect(await traces(secrets)).toEqual([]);
    expect(await traces(ids)).toEqual(all.map(({ session }) => session.id));
    expect(await store.endings.dropTombstones(NOW + HOUR, 10)).toBe(3);
    // They expire a minute after the last login.
    for (const key of ['replaced', 'replaced_at'])
      for (const bucket of [0, 1]) {
        expect(Number(await server.command('PTTL', `{${bucket}}:${key}`))).toBeLessThanOrEqual(MINUTE);
        await server.command('DEL', `{${bucket}}:${key}`);
      }
    expect(await traces(ids)).toEqual([]);
    // Random ids of writes, for half a minute.
    for (const key of (await keys()).filter((one) => one.includes(':writes:'))) {
      expect(Number(await server.command('PTTL', key))).toBeLessThanOrEqual(REPEATED_MS);
      await server.command('DEL', key);
    }
    expect(await keys()).toEqual([]);
  });

  it('of a store with room for few is counted anew, so that a lost session makes room', async () => {
    const session = await opened(store);
    expect(await store.sessions.open(newSession(), { maxSessions: 1, network: null })).toBe('full');
    await lose((await keys()).filter((key) => key.endsWith(session.id)));
    await store.endings.dropTombstones(NOW + HOUR, 10);
    await eventually('there is room', async () => {
      return (await store.sessions.open(newSession(), { maxSessions: 1, network: null })) === 'opened';
    });
    expect(await store.sessions.open(newSession(), { maxSessions: 1, network: null })).toBe('full');
  });
});
