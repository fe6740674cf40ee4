import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { inBucketOf } from '#sessions/domain/bucket';
import { compareIds } from '#sessions/domain/ids';
import { rangeOf } from '#sessions/domain/listing/address-range';
import { matchesFilter, type SessionFilter } from '#sessions/domain/listing/session-filter';
import type { SessionRecord } from '#sessions/domain/session';
import {
  orderOf,
  SESSION_SORTS,
  type SessionQuery,
  type SessionSlice,
  type SessionStore,
} from '#sessions/ports/store/session-store';
import { RedisSessionStore } from '#sessions/redis/index';
import { RedisBuckets } from '#sessions/stores/redis/buckets/redis.buckets';
import { UserIndex } from '#sessions/stores/redis/buckets/user-index';
import { RedisConnection } from '#sessions/stores/redis/connection/redis.connection';
import { redisSettingsOf } from '#sessions/stores/redis/connection/redis.settings';
import { RedisListing } from '#sessions/stores/redis/operations/redis.listing';
import { SqliteListing } from '#sessions/stores/sqlite/operations/listing';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { ended, loggedIn, NOW, openedMany, ready, writing } from '#sessions/testing/store/store.fixtures';
import { RedisServer } from '../support/redis-servers.js';

const SESSIONS = 70;

/** A list that looks at few sessions in each call, as if there were millions. */
type List = (query: SessionQuery) => Promise<SessionSlice>;

describe('Lists of many sessions, a few looked at in each call', () => {
  let folder: string;
  let redis: RedisServer;
  const closing: (() => unknown)[] = [];
  const lists: { name: string; list: List; open: SessionRecord[] }[] = [];

  async function openSqlite(): Promise<void> {
    const path = join(folder, 'sessions.db');
    const store = new SqliteSessionStore({ path });
    await store.connect();
    const open = await filled(store);
    await store.close();
    const db = new DatabaseSync(path);
    closing.push(() => db.close());
    const row = () => db.prepare('SELECT * FROM store').get()!;
    for (const lookedAt of [1, 7, SESSIONS]) {
      const listing = new SqliteListing(db, { row }, lookedAt);
      lists.push({ name: `sqlite, ${lookedAt}`, list: async (query) => listing.list(query), open });
    }
  }

  async function openRedis(): Promise<void> {
    const options = { url: redis.url, buckets: 4, timeoutMs: 10_000 };
    const store = new RedisSessionStore(options);
    await store.connect();
    closing.push(() => store.close());
    const open = await filled(store);
    const { clients, layout, timeoutMs } = redisSettingsOf(options);
    const connection = new RedisConnection(clients, timeoutMs);
    await connection.connect();
    closing.push(() => connection.close());
    const buckets = new RedisBuckets(connection, layout);
    const loadOpen = async (ids: readonly string[]) => {
      const found = await Promise.all(ids.map((id) => store.sessions.find(id)));
      return found.filter((session) => session !== null).filter(({ state }) => state === 'open');
    };
    for (const lookedAt of [1, 32, 200]) {
      for (const few of [0, 5]) {
        const bounds = { lookedAt, few };
        const listing = new RedisListing(buckets, new UserIndex(buckets), { loadOpen }, bounds);
        lists.push({ name: `redis, ${lookedAt}, ${few}`, list: (query) => listing.list(query), open });
      }
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    redis = await RedisServer.start();
    await openSqlite();
    await openRedis();
  }, 60_000);

  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
    await redis.stop();
    await rm(folder, { recursive: true });
  });

  const filters = fc.record(
    {
      userId: fc.constantFrom('ada', 'eve', 'nobody'),
      network: fc.constantFrom(rangeOf('192.0.2.0', 30)!, rangeOf('192.0.2.2')!, rangeOf('2001:db8::', 32)!),
      idleSince: fc.integer({ min: NOW + 4, max: NOW + 24 }),
      bytesAbove: fc.constantFrom(0, 3, 9, 1000),
      above: fc.constantFrom(
        { files: 1, bytes: 20, streams: 1 },
        { files: 0, bytes: 0, streams: 0 },
        { files: 9, bytes: 5, streams: 9 },
      ),
      openedUntil: fc.integer({ min: NOW - 1, max: NOW + 12 }),
    },
    { requiredKeys: [] },
  );

  it('are those of the plain rule, each session once and in order', async () => {
    const check = async (sort: SessionQuery['sort'], limit: number, filter: SessionFilter): Promise<void> => {
      for (const { name, list, open } of lists) {
        const query = { sort, limit, filter };
        const found = await pagesOf(list, query);
        expect([name, found]).toEqual([name, expected(open, query).map(({ id }) => id)]);
      }
    };
    const limit = fc.constantFrom(1, 2, 5, 100);
    await fc.assert(fc.asyncProperty(fc.constantFrom(...SESSION_SORTS), limit, filters, check), {
      numRuns: 150,
      examples: SESSION_SORTS.map((sort) => [sort, 3, {}]),
    });
  }, 120_000);
});

async function pagesOf(list: List, query: SessionQuery): Promise<string[]> {
  const found: string[] = [];
  let page = await list(query);
  for (let calls = 0; calls < 1000; calls += 1) {
    found.push(...page.sessions.map(({ id }) => id));
    if (page.next === null) return found;
    page = await list({ ...query, after: page.next });
  }
  throw new Error('The pages do not end');
}

function expected(open: readonly SessionRecord[], { sort, filter = {} }: SessionQuery): SessionRecord[] {
  const { by, descending } = orderOf(sort);
  const sign = descending ? -1 : 1;
  return open
    .filter((session) => matchesFilter(filter, session))
    .toSorted((a, b) => sign * (a[by] - b[by]) || compareIds(a.id, b.id));
}

/** Sessions with ties in everything; most in one bucket. Answers the open ones. */
async function filled(store: SessionStore): Promise<SessionRecord[]> {
  const bucket = 'abc00000';
  const sessions = await openedMany(store, SESSIONS, (index) => ({
    ...(index % 4 > 0 && { id: inBucketOf(bucket, randomUUID()) }),
    createdAt: NOW + Math.floor(index / 6),
    ipAddress: index % 5 === 0 ? `2001:db8::${index % 3}` : `192.0.2.${index % 7}`,
  }));
  for (const [index, session] of sessions.entries()) {
    const { id } = session;
    await store.sessions.touch([{ sessionId: id, at: NOW + 12 + (index % 9), requests: 1 }]);
    if (index % 3 === 0) await loggedIn(store, session, index % 2 === 0 ? 'ada' : 'eve');
    for (let files = 0; files < index % 4; files += 1) await ready(store, id, 3 * (index % 3));
    for (let streams = 0; streams < (index % 11) - 8; streams += 1) {
      await writing(store, id, 0, { type: 'stream', nodeId: null });
    }
    if (index % 10 === 9) await ended(store, session);
  }
  const records = await Promise.all(sessions.map(({ id }) => store.sessions.find(id)));
  return records.filter((record) => record !== null).filter(({ state }) => state === 'open');
}
