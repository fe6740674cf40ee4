import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inBucketOf } from '#sessions/domain/bucket';
import { evictionOrder } from '#sessions/domain/eviction';
import { ENTRY_OVERHEAD_BYTES, type JournalEntry } from '#sessions/domain/journal/entry';
import { authorityOf, type NewSession } from '#sessions/domain/session';
import { RedisSessionStore } from '#sessions/redis/index';
import { mostOfBucket } from '#sessions/stores/redis/operations/record/redis.audit';
import { KEPT_AFTER_END_MS } from '#sessions/stores/redis/scripts/redis.layout';
import {
  append,
  ADMIN,
  auditOf,
  CLIENT,
  HASH,
  LIMIT,
  mismatch,
  noted,
  notedLogin,
  OTHER_HASH,
  request,
  requests,
  timelineOf,
} from '#sessions/testing/store/journal/journal.fixtures';
import {
  anEnd,
  complete,
  DAY,
  HOUR,
  LIMITS,
  MINUTE,
  newSession,
  newToken,
  NODE,
  NOW,
  OTHER_NODE,
  placement,
  ready,
} from '#sessions/testing/store/store.fixtures';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-servers.js';
import { TcpWay } from '../support/tcp-way.js';

const OPTIONS = '--appendonly no --rdbcompression no --enable-debug-command yes'.split(' ');
/** All clocks of the machine run on while a test does. */
const SLACK_MS = MINUTE;
const LIST = /:(?:opened|marks|deeds|requests):/;
const RECORD = /:(?:sessions|tokens|opened|marks|deeds|requests):/;
const ROUTE = '/route-of-the-house';

/** Which keys have this text in their name or in what a backup of them would hold. */
const TRACES = `
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local dump = redis.call('DUMP', key)
  if string.find(key, ARGV[1], 1, true) or string.find(dump, ARGV[1], 1, true) then found[#found + 1] = key end
end
return found
`;

describe('The journal in Redis', () => {
  let server: RedisServer;
  let store: RedisSessionStore;

  beforeAll(async () => {
    server = await RedisServer.start(OPTIONS);
  });

  afterAll(() => server.stop());

  async function connected(buckets: number): Promise<RedisSessionStore> {
    const made = new RedisSessionStore({ url: server.url, prefix: '', buckets, timeoutMs: 10_000 });
    await made.connect();
    return made;
  }

  beforeEach(async () => {
    await server.command('FLUSHALL');
    store = await connected(2);
  });

  afterEach(async () => {
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await store.close();
  });

  async function keys(of: RegExp): Promise<string[]> {
    return ((await server.command('KEYS', '*')) as string[]).filter((key) => of.test(key)).toSorted();
  }

  async function lifetimes(of: RegExp): Promise<number[]> {
    return Promise.all((await keys(of)).map(async (key) => Number(await server.command('PTTL', key))));
  }

  /** The bytes that the buckets keep: of a bucket's hash of totals. */
  async function keptBytes(field: string): Promise<number> {
    const shares = await Promise.all(
      (await keys(/\}:totals$/)).map((key) => server.command('HGET', key, field)),
    );
    return shares.reduce<number>((sum, share) => sum + Number(share), 0);
  }

  /** What is there, counted. */
  async function bytesThere(): Promise<number> {
    const lists = await Promise.all(
      (await keys(LIST)).map((key) =>
        key.includes(':opened:')
          ? (server.command('GET', key) as Promise<string>)
          : (server.command('LRANGE', key, '0', '-1') as Promise<string[]>),
      ),
    );
    return lists.flat().reduce((sum, entry) => sum + Buffer.byteLength(entry) + ENTRY_OVERHEAD_BYTES, 0);
  }

  /** A session with entries of each class, whose user has logged in. */
  async function lived(differing: Partial<NewSession> = {}): Promise<NewSession> {
    const session = await noted(store, differing);
    await notedLogin(store, session);
    await append(store, session, [mismatch(NOW), ...requests(3, NOW, ROUTE)]);
    return session;
  }

  async function finish({ id }: NewSession): Promise<void> {
    await store.endings.finishEnd(id, NODE, NOW);
  }

  async function kinds(session: NewSession): Promise<string[]> {
    return (await timelineOf(store, session)).map(({ kind }) => kind);
  }

  it('takes entries once whose answer was lost, in every bucket, also beside those that came since', async () => {
    const sessions = await Promise.all(Array.from({ length: 6 }, () => noted(store)));
    let isLosing = false;
    const way = await TcpWay.to(server.url, (client, upstream) => {
      client.pipe(upstream);
      upstream.on('data', (answer: Buffer) => (isLosing ? client.destroy() : client.write(answer)));
      client.on('close', () => upstream.destroy());
    });
    const far = new RedisSessionStore({ url: `redis://127.0.0.1:${way.port}`, prefix: '', buckets: 2 });
    await far.connect();
    try {
      const ofAll = (entry: JournalEntry) => sessions.map(({ id }) => ({ sessionId: id, entry }));
      // Redis knows the script then.
      await far.journal.append(ofAll(mismatch(NOW)));
      const entries = ofAll(request(NOW + 1, ROUTE));
      isLosing = true;
      await expect(far.journal.append(entries)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      const added = await Promise.all(sessions.map(kinds));
      expect(added.flat()).toContain('request');
      isLosing = false;
      const later = ofAll(request(NOW + 2, '/later'));
      await eventually('the store takes them', async () => {
        return far.journal.append([...entries, ...later]).then(
          () => true,
          () => false,
        );
      });
      for (const session of sessions) {
        expect(await kinds(session)).toEqual(['opened', 'mismatch', 'request', 'request']);
      }
    } finally {
      await far.close();
      await way.close();
    }
  });

  it('lives as long as the records of its session, and moves with them', async () => {
    const session = await lived();
    const week = KEPT_AFTER_END_MS;
    const expectLifetimes = async (until: number, count: number): Promise<void> => {
      const left = await lifetimes(RECORD);
      expect(left).toHaveLength(count);
      expect(Math.min(...left)).toBeGreaterThan(until + week - SLACK_MS);
      expect(Math.max(...left)).toBeLessThanOrEqual(until + week);
    };
    await expectLifetimes(HOUR, 6);
    const longer = { ...newToken(session), userId: HASH, expiresAt: NOW + DAY };
    expect(await store.sessions.login(session.id, null, longer)).toBe('done');
    await expectLifetimes(DAY, 6);
    const keptUntil = NOW + 3 * DAY;
    await store.endings.beginEnd(session.id, anEnd({ at: NOW, note: { by: CLIENT }, keptUntil }));
    await expectLifetimes(3 * DAY, 6);
    await finish(session);
    await expectLifetimes(3 * DAY, 6);
    // A list that begins after the end lives as long too.
    await server.command('DEL', ...(await keys(/:requests:/)));
    await append(store, session, [request(NOW)]);
    await expectLifetimes(3 * DAY, 6);
    await store.audit.append(auditEntry());
    await store.audit.countWrongToken('192.0.2.7', NOW);
    await store.endings.dropTombstones(NOW, 10);
    const all = await lifetimes(/^(?!store$|\{\d+\}:totals$|\{counts\}:(?:taken|pending)$)/);
    expect(all.length).toBeGreaterThan(10);
    expect(all).not.toContain(-1);
  });

  it('gets a new lifetime while the end of its session waits for a node', async () => {
    const session = await lived();
    await ready(store, session.id, 10, { nodeId: OTHER_NODE });
    await store.endings.beginEnd(session.id, anEnd({ note: { by: CLIENT } }));
    for (const key of await keys(LIST)) await server.command('PEXPIRE', key, String(HOUR));
    await store.endings.dropTombstones(NOW, 10);
    const left = await lifetimes(LIST);
    expect(left).toHaveLength(4);
    expect(Math.min(...left)).toBeGreaterThan(KEPT_AFTER_END_MS - SLACK_MS);
  });

  it('is in no key and in no backup once its user is forgotten and its tombstone dropped', async () => {
    const inBackup = async (texts: readonly string[]): Promise<string[]> => {
      await server.command('SAVE');
      const { dir: folder = '' } = (await server.command('CONFIG', 'GET', 'dir')) as { dir?: string };
      const bytes = readFileSync(join(folder, 'dump.rdb'));
      return texts.filter((text) => bytes.includes(text));
    };
    const traces = (text: string) => server.command('EVAL', TRACES, '0', text) as Promise<string[]>;
    const texts = [HASH, ROUTE, 'regenerated'];
    const session = await lived();
    await store.sessions.regenerate(session.id, null, { ...newToken(session), note: { by: CLIENT } });
    await store.endings.beginEnd(session.id, anEnd({ note: { by: ADMIN }, keptUntil: NOW + DAY }));
    await finish(session);
    expect(await inBackup(texts)).toEqual(texts);
    for (const text of texts) expect(await traces(text)).not.toEqual([]);

    expect(await store.journal.forgetUser(HASH, 10)).toBe(1);
    expect(await inBackup(texts)).toEqual([]);
    for (const text of texts) expect(await traces(text)).toEqual([]);
    expect(await store.endings.dropTombstones(NOW + DAY, 10)).toBe(1);
    // The replaced tokens of the last minute name the session.
    await server.command('DEL', '{0}:replaced', '{1}:replaced');
    // The deed of the operator stays.
    expect(await traces(session.id)).toEqual(await keys(/:audit$/));
    expect(await store.audit.prune(NOW + DAY)).toBe(1);
    expect(await traces(session.id)).toEqual([]);
    expect(await keptBytes('journal_bytes')).toBe(0);
    expect(await keptBytes('audit_bytes')).toBe(0);
  });

  it('counts its bytes with each entry that comes and goes', async () => {
    const [one, other] = [await lived({ createdAt: NOW - 1 }), await lived()];
    const counts = async (): Promise<void> =>
      expect(await keptBytes('journal_bytes')).toBe(await bytesThere());
    await counts();
    await append(store, one, [...requests(450), ...Array.from({ length: 110 }, () => mismatch(NOW))]);
    await counts();
    await store.sessions.regenerate(other.id, null, { ...newToken(other), note: { by: CLIENT } });
    await store.endings.beginEnd(one.id, anEnd({ note: { by: CLIENT } }));
    await counts();
    expect(await store.journal.prune((await bytesThere()) - 1, 10_000)).toBe(400);
    await counts();
    await store.journal.forgetUser(HASH, 10);
    await counts();
    await finish(one);
    await store.endings.dropTombstones(one.expiresAt, 10);
    await counts();
    expect(await bytesThere()).toBeGreaterThan(0);
  });

  it('is counted anew when timelines have expired by themselves', async () => {
    const other = await lived({ expiresAt: NOW + DAY });
    const before = await keptBytes('journal_bytes');
    const gone = await lived();
    const lost = (await keys(RECORD)).filter((key) => key.endsWith(gone.id));
    await server.command('DEL', ...lost);
    expect(await keptBytes('journal_bytes')).toBeGreaterThan(before);
    await store.endings.dropTombstones(gone.expiresAt, 10);
    expect(await keptBytes('journal_bytes')).toBe(before);
    const indexed = await Promise.all(
      (await keys(/:(?:timelines|requested|hashes)$/)).map((key) => server.command('ZRANGE', key, '0', '-1')),
    );
    expect(indexed.flat()).toHaveLength(3);
    expect(new Set(indexed.flat())).toEqual(new Set([other.id, `${HASH}:${other.id}`]));
  });

  it('is counted anew before entries are dropped for their bytes, so that those that expired make room', async () => {
    const [one, other] = [await lived(), await lived()];
    await append(store, one, requests(400));
    await server.command('DEL', ...(await keys(/:requests:/)).filter((key) => key.endsWith(one.id)));
    expect(await store.journal.prune(10_000, 100)).toBe(0);
    expect(await kinds(other)).toContain('request');
    expect(await keptBytes('journal_bytes')).toBe(await bytesThere());
  });

  it('is entered by ends and evictions while Redis is out of memory; other entries are refused', async () => {
    const session = await lived();
    await ready(store, session.id, 30);
    const file = await complete(store, session.id, 30);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    for (const refused of [
      append(store, session, [mismatch(NOW)]),
      store.audit.append(auditEntry()),
      store.audit.countWrongToken('192.0.2.7', NOW),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    }
    const candidates = evictionOrder(await store.resources.list([session.id]));
    const limits = { ...LIMITS, maxResources: 1 };
    await store.resources.place(
      placement(session.id, [file], { candidates, limits, note: { by: LIMIT }, at: NOW + 5 }),
    );
    await store.endings.beginEnd(session.id, anEnd({ note: { by: ADMIN } }));
    expect((await kinds(session)).slice(-2)).toEqual(['evicted', 'ended']);
    expect(await auditOf(store)).toMatchObject([{ deed: 'end', subject: session.id }]);
    expect(await store.journal.prune(0, 1000)).toBe(8);
  });

  it('has each deed once after a failover that lost it, and also after one that did not', async () => {
    const [lost, kept, login] = [await noted(store), await noted(store), await noted(store)];
    const { position } = await store.feed.read(null, 10);
    const of = (session: NewSession) =>
      keys(RECORD).then((all) => all.filter((key) => key.includes(session.id)));
    const token = { ...newToken(login, NOW + 1), userId: 'ada', note: { by: CLIENT, userHash: HASH } };
    const end = anEnd({ note: { by: ADMIN }, keptUntil: NOW + DAY });
    expect(await store.endings.beginEnd(kept.id, end)).not.toBeNull();
    // What the replica had: everything from before the other end and the login.
    for (const key of await keys(/./)) await server.command('COPY', key, `replica ${key}`);
    expect(await store.endings.beginEnd(lost.id, end)).not.toBeNull();
    expect(await store.sessions.login(login.id, authorityOf(login.tokenHash), token)).toBe('done');
    expect((await of(login)).length).toBeGreaterThan(0);
    await server.command('DEL', ...(await keys(/^(?!replica )/)));
    for (const key of await keys(/^replica /))
      await server.command('RENAME', key, key.slice('replica '.length));
    expect(await kinds(lost)).toEqual(['opened']);
    await server.command('DEBUG', 'CHANGE-REPL-ID');

    const reset = await store.feed.read(position, 10);
    expect(reset).toMatchObject({ reset: true });
    for (const session of [lost, kept]) expect(await kinds(session)).toEqual(['opened', 'ended']);
    expect(await kinds(login)).toEqual(['opened', 'login']);
    const ends = (await auditOf(store)).map(({ subject }) => subject);
    expect([ends.length, new Set(ends)]).toEqual([2, new Set([lost.id, kept.id])]);
    await server.command('DEBUG', 'CHANGE-REPL-ID');
    expect(await store.feed.read(reset.position, 10)).toMatchObject({ reset: true });
    for (const session of [lost, kept]) expect(await kinds(session)).toEqual(['opened', 'ended']);
    expect(await kinds(login)).toEqual(['opened', 'login']);
    expect(await auditOf(store)).toHaveLength(2);
    await finish(lost);
    expect(await store.endings.dropTombstones(NOW + DAY - 1, 10)).toBe(0);
    expect(await store.journal.forgetUser(HASH, 10)).toBe(0);
  });

  it('keeps the latest ends by operators of each bucket, within its share of the audit', async () => {
    await store.close();
    await server.command('FLUSHALL');
    store = await connected(4096);
    const first = newSession();
    const sessions = Array.from({ length: 20 }, () => {
      const { id, ...session } = newSession({ id: inBucketOf(first.id, newSession().id) });
      return newSession({ ...session, id, tokenHash: newToken({ id }).tokenHash });
    });
    for (const [index, session] of sessions.entries()) {
      await store.sessions.open(session, { maxSessions: 100, network: null });
      await store.endings.beginEnd(session.id, anEnd({ at: NOW + index, note: { by: ADMIN } }));
    }
    const kept = (await auditOf(store)).map(({ subject }) => subject);
    expect(kept.length).toBeGreaterThan(3);
    expect(kept.length).toBeLessThan(20);
    expect(kept).toEqual(
      sessions
        .map(({ id }) => id)
        .toReversed()
        .slice(0, kept.length),
    );
    expect(await keptBytes('audit_bytes')).toBeLessThanOrEqual(mostOfBucket(4096));
    expect(await keptBytes('audit_bytes')).toBeGreaterThan(mostOfBucket(4096) / 2);
  });

  it('is kept as long after an end that a false clock dated later, once the clock is trusted', async () => {
    const [over, ending] = [await lived(), await lived()];
    const year = 365 * DAY;
    for (const { id } of [over, ending]) {
      const end = anEnd({ at: NOW + year, note: { by: CLIENT }, keptUntil: NOW + year + DAY });
      await store.endings.beginEnd(id, end);
    }
    await finish(over);
    await store.clock.forgetAfter(NOW + MINUTE);
    await finish(ending);
    const until = NOW + MINUTE + DAY;
    expect(await store.endings.dropTombstones(until - 1, 10)).toBe(0);
    expect(await kinds(over)).toContain('ended');
    expect(await store.endings.dropTombstones(until, 10)).toBe(2);
    expect(await bytesThere()).toBe(0);
  });

  it('is found by the hash of the latest login alone', async () => {
    const session = await lived();
    const note = { by: CLIENT, userHash: OTHER_HASH };
    expect(await store.sessions.login(session.id, null, { ...newToken(session), userId: HASH, note })).toBe(
      'done',
    );
    await store.endings.beginEnd(session.id, anEnd());
    expect(await store.journal.forgetUser(HASH, 10)).toBe(0);
    expect(await store.journal.forgetUser(OTHER_HASH, 10)).toBe(1);
  });

  it('takes no position that it did not give', async () => {
    const session = await lived();
    const reading = [
      store.journal.read(session.id, 1, 'elsewhere'),
      store.audit.read({ from: 0, to: NOW, limit: 1, after: 'elsewhere' }),
    ];
    for (const refused of reading) await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  function auditEntry() {
    const none = { sessions: 0, resources: 0, bytes: 0 };
    return { at: NOW, by: ADMIN, deed: 'cleanup', subject: null, outcome: 'done', ...none } as const;
  }
});
