/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { inBucketOf } from '../../../domain/bucket.js';
import { compareIds } from '../../../domain/ids.js';
import { rangeOf } from '../../../domain/listing/address-range.js';
import { matchesFilter, type SessionFilter } from '../../../domain/listing/session-filter.js';
import type { NewSession, SessionRecord } from '../../../domain/session.js';
import {
  orderOf,
  SESSION_SORTS,
  type SessionQuery,
  type SessionSort,
  type SessionStore,
} from '../../../ports/store/session-store.js';
import {
  anEnd,
  ended,
  loggedIn,
  NOW,
  opened,
  openedMany,
  present,
  ready,
  same,
  sameIds,
  sessionNow,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const listingCases: readonly SessionStoreCase[] = [
  ...SESSION_SORTS.map((sort) => ({
    name: `pages sorted by ${sort} contain every open session once, with ties ordered by id`,
    async run(store: SessionStore) {
      const sessions = await openedMany(store, 23, (index) => ({ createdAt: NOW + Math.floor(index / 5) }));
      await store.sessions.touch(
        sessions.map(({ id }, index) => ({ sessionId: id, at: NOW + 10 + (index % 3), requests: 1 })),
      );
      for (const [index, { id }] of sessions.entries())
        if (index % 2 === 0) await ready(store, id, index % 3);
      await ended(store, present(sessions[4]));
      await store.endings.beginEnd(present(sessions[7]).id, anEnd());
      const expected = await openOf(store, sessions, sort, {});
      assert.equal(expected.length, 21);
      same(await all(store, { sort, limit: 4 }), expected);
      same(await all(store, { sort, limit: 100 }), expected);
    },
  })),
  {
    name: "pages of one user contain only that user's open sessions, and only the last one is short",
    async run(store) {
      const sessions = await openedMany(store, 6, (index) => ({ createdAt: NOW + index }));
      for (const session of sessions.slice(0, 4)) await loggedIn(store, session);
      await loggedIn(store, present(sessions[4]), 'eve');
      await ended(store, present(sessions[1]));
      const query = { limit: 2, sort: 'created_at', filter: { userId: 'ada' } } as const;
      const first = await store.sessions.list(query);
      sameIds(first.sessions, [present(sessions[0]), present(sessions[2])]);
      const after = { value: NOW + 2, id: present(sessions[2]).id };
      same(first.next, after);
      const second = await store.sessions.list({ ...query, after });
      sameIds(second.sessions, sessions.slice(3, 4));
      same(second.next, null);
      same((await store.sessions.list({ ...query, filter: { userId: 'nobody' } })).sessions, []);
    },
  },
  {
    name: 'lists are narrowed by user, network, idle time, bytes, usage and opening, alone and together, in every order',
    async run(store) {
      const sessions = await mixed(store);
      const filters = together([
        { userId: 'ada' },
        { network: range('192.0.2.0', 24) },
        { idleSince: NOW + 20 },
        { bytesAbove: 10 },
        { above: { files: 1, bytes: 25, streams: 1 } },
        { openedUntil: NOW + 8 },
      ]);
      for (const [index, filter] of filters.entries()) {
        const sort = present(SESSION_SORTS[index % SESSION_SORTS.length]);
        const expected = await openOf(store, sessions, sort, filter);
        same(await all(store, { sort, filter, limit: 3 }), expected, `${sort} ${JSON.stringify(filter)}`);
      }
    },
  },
  {
    name: 'a network has the sessions with either address in it, IPv4 also as IPv6',
    async run(store) {
      const [four, six, both, local] = [
        await opened(store, { ipAddress: '192.0.2.7' }),
        await opened(store, { ipAddress: '2001:db8::7' }),
        await opened(store, { ipAddress: '2001:db8:1::7' }),
        await opened(store, { ipAddress: 'local' }),
      ];
      same(await store.sessions.learnAddress(both.id, null, '192.0.2.8'), 'done');
      const from = async (address: string, bits?: number) =>
        (await all(store, { sort: 'created_at', limit: 10, filter: { network: range(address, bits) } })).map(
          ({ id }) => id,
        );
      const ids = (...some: readonly NewSession[]) => some.map(({ id }) => id).toSorted();
      same(await from('192.0.2.7'), ids(four));
      same(await from('192.0.2.0', 24), ids(four, both));
      same(await from('::ffff:192.0.2.7'), ids(four));
      same(await from('2001:db8::', 32), ids(six, both));
      same(await from('2001:db8::', 48), ids(six));
      same(await from('0.0.0.0', 0), ids(four, both));
      same(await from('::', 0), ids(four, six, both));
      same((await sessionNow(store, local)).ipAddress, 'local');
    },
  },
  ...SESSION_SORTS.map((sort) => ({
    name: `of many sessions in one bucket, filtered pages sorted by ${sort} leave none out`,
    async run(store: SessionStore) {
      const bucket = randomUUID();
      const sessions = await openedMany(store, 130, (index) => ({
        id: inBucketOf(index < 120 ? bucket : randomUUID(), randomUUID()),
        ipAddress: `192.0.2.${index % 8}`,
        createdAt: NOW + Math.floor(index / 7),
      }));
      for (const { id } of sessions.slice(0, 9)) await ready(store, id, 5);
      const filter = { network: range('192.0.2.2', 31), openedUntil: NOW + 15 };
      const expected = await openOf(store, sessions, sort, filter);
      assert.ok(expected.length > 20);
      same(await all(store, { sort, filter, limit: 6 }), expected);
    },
  })),
  {
    name: 'ids of sessions in any state are found by what they begin with, in their order',
    async run(store) {
      const [one, two, other] = [
        'abcd0000-0000-4000-8000-000000000002',
        'abcd0000-0000-4000-8000-000000000001',
        'abce0000-0000-4000-8000-000000000001',
      ];
      for (const id of [one, two, other]) await opened(store, { id });
      await ended(store, { id: two });
      same(await store.sessions.findIds('abcd', 10), [two, one]);
      same(await store.sessions.findIds('abcd', 1), [two]);
      same(await store.sessions.findIds('abc', 10), [two, one, other]);
      same(await store.sessions.findIds('abcd0000-0000-4000-8000-000000000002', 10), [one]);
      same(await store.sessions.findIds('abcd0000-', 10), [two, one]);
      for (const prefix of ['abcf', 'abcd-', 'abcd00000', 'ABCD', 'abc*', 'abc%', `${one}0`, 'xyz1']) {
        same(await store.sessions.findIds(prefix, 10), [], prefix);
      }
      await store.endings.dropTombstones(NOW + 10 ** 9, 10);
      same(await store.sessions.findIds('abcd', 10), [one]);
    },
  },
];

function range(address: string, bits?: number) {
  return present(rangeOf(address, bits));
}

/** All pages. */
async function all(store: SessionStore, query: Omit<SessionQuery, 'after'>): Promise<SessionRecord[]> {
  const found: SessionRecord[] = [];
  let page = await store.sessions.list(query);
  for (let pages = 1; pages < 1000; pages += 1) {
    assert.ok(page.sessions.length <= query.limit);
    found.push(...page.sessions);
    if (page.next === null) return found;
    page = await store.sessions.list({ ...query, after: page.next });
  }
  throw new Error('The pages do not end');
}

/** What a list of these sessions must be. */
async function openOf(
  store: SessionStore,
  sessions: readonly NewSession[],
  sort: SessionSort,
  filter: SessionFilter,
): Promise<SessionRecord[]> {
  const { by, descending } = orderOf(sort);
  const sign = descending ? -1 : 1;
  const records = await Promise.all(sessions.map((session) => sessionNow(store, session)));
  return records
    .filter((record) => record.state === 'open' && matchesFilter(filter, record))
    .toSorted((a, b) => sign * (a[by] - b[by]) || compareIds(a.id, b.id));
}

/** Sessions of which each filter above has some and not others. */
async function mixed(store: SessionStore): Promise<NewSession[]> {
  const sessions = await openedMany(store, 24, (index) => ({
    createdAt: NOW + (index % 12),
    ipAddress: index % 3 === 0 ? '192.0.2.7' : '198.51.100.7',
  }));
  for (const [index, session] of sessions.entries()) {
    const { id } = session;
    if (index % 2 === 0) await loggedIn(store, session, index % 4 === 0 ? 'ada' : 'eve');
    await store.sessions.touch([{ sessionId: id, at: NOW + 10 + (index % 5) * 4, requests: 1 }]);
    for (let files = 0; files < index % 3; files += 1) await ready(store, id, 8 + (index % 7));
    if (index % 6 === 5) {
      for (let count = 0; count < 2; count += 1)
        await writing(store, id, 0, { type: 'stream', nodeId: null });
    }
  }
  await ended(store, present(sessions[0]));
  return sessions;
}

/** Each alone, each with each other, and all. */
function together(filters: readonly SessionFilter[]): SessionFilter[] {
  const pairs = filters.flatMap((one, index) =>
    filters.slice(index + 1).map((other) => ({ ...one, ...other })),
  );
  return [{}, ...filters, ...pairs, Object.assign({}, ...filters) as SessionFilter];
}
