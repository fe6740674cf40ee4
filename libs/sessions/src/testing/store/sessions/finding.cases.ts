/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { compareIds } from '../../../domain/ids.js';
import { authorityOf, type SessionRecord } from '../../../domain/session.js';
import { idleEndsAt, PROVISIONAL_MS } from '../../../domain/lifetime.js';
import {
  type FeedPosition,
  type SessionChange,
  type SessionStore,
} from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  ended,
  HOUR,
  MINUTE,
  lease,
  loggedIn,
  NODE,
  NOW,
  opened,
  openedMany,
  present,
  same,
  sameIds,
  SECOND,
  sessionNow,
  tokenHash,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const findingCases: readonly SessionStoreCase[] = [
  {
    name: 'an unconfirmed session without resources or user idles at its provisional end',
    async run(store) {
      const session = await opened(store);
      same(await store.endings.findIdle(NOW + PROVISIONAL_MS - 1, 10), []);
      sameIds(await store.endings.findIdle(NOW + PROVISIONAL_MS, 10), [session]);
    },
  },
  {
    name: 'a provisional session with a shorter idle time idles at that',
    async run(store) {
      const session = await opened(store, { idleMs: 5 * SECOND });
      same(await store.endings.findIdle(NOW + 5 * SECOND - 1, 10), []);
      sameIds(await store.endings.findIdle(NOW + 5 * SECOND, 10), [session]);
    },
  },
  {
    name: 'a request, a user or a resource gives a session its full idle time; releasing the resource revokes it',
    async run(store) {
      const [confirmed, bound, holding] = await openedMany(store, 3);
      assert.ok(confirmed && bound && holding);
      await store.sessions.touch([{ sessionId: confirmed.id, at: NOW, requests: 1 }]);
      await loggedIn(store, bound);
      const resource = await writing(store, holding.id);
      same(await store.endings.findIdle(NOW + 15 * MINUTE - 1, 10), []);
      sameIds(await store.endings.findIdle(NOW + 15 * MINUTE, 10), [confirmed, bound, holding]);
      await store.releases.beginRelease([resource.id], lease(NOW));
      await store.releases.finishRelease([resource.id]);
      sameIds(await store.endings.findIdle(NOW + PROVISIONAL_MS, 10), [holding]);
    },
  },
  {
    name: 'only open sessions are found idle, in the order of their idle ends by the domain',
    async run(store) {
      const sessions = await openedMany(store, 12, (index) => ({
        createdAt: NOW + ((index * 7) % 12) * SECOND,
        idleMs: (10 - (index % 3)) * MINUTE,
      }));
      for (const session of sessions.slice(0, 6)) {
        await store.sessions.touch([{ sessionId: session.id, at: session.createdAt + 1, requests: 1 }]);
      }
      await store.endings.beginEnd(present(sessions[7]).id, anEnd());
      await ended(store, present(sessions[2]));
      const records = await Promise.all(sessions.map((session) => sessionNow(store, session)));
      const expected = records
        .filter((record) => record.state === 'open')
        .toSorted((a, b) => idleEndsAt(a) - idleEndsAt(b) || compareIds(a.id, b.id));
      same(await store.endings.findIdle(NOW + HOUR, 100), expected);
      same(await store.endings.findIdle(NOW + HOUR, 3), expected.slice(0, 3));
    },
  },
  {
    name: 'sessions are due at the exact instant of their absolute end, oldest first',
    async run(store) {
      const sessions = await openedMany(store, 4, (index) => ({ expiresAt: NOW + HOUR - index }));
      await ended(store, present(sessions[3]));
      same(await store.endings.findExpired(NOW + HOUR - 3, 10), []);
      sameIds(await store.endings.findExpired(NOW + HOUR, 10), sessions.slice(0, 3).toReversed());
      sameIds(await store.endings.findExpired(NOW + HOUR, 1), sessions.slice(2, 3));
    },
  },
  {
    name: 'due sessions are found page by page behind those that stay, also where many end at one instant',
    async run(store) {
      const sessions = await openedMany(store, 9, (index) => ({
        expiresAt: NOW + HOUR + Math.floor(index / 4),
      }));
      const inOrder = sessions.toSorted((a, b) => a.expiresAt - b.expiresAt || compareIds(a.id, b.id));
      const expired: SessionRecord[] = [];
      const idle: SessionRecord[] = [];
      for (let page = 0; page < 5; page += 1) {
        const [late, lazy] = [expired.at(-1), idle.at(-1)];
        const afterLate = late ? { endsAt: late.expiresAt, id: late.id } : null;
        const afterLazy = lazy ? { endsAt: idleEndsAt(lazy), id: lazy.id } : null;
        expired.push(...(await store.endings.findExpired(NOW + 2 * HOUR, 2, afterLate)));
        idle.push(...(await store.endings.findIdle(NOW + HOUR, 2, afterLazy)));
      }
      sameIds(expired, inOrder);
      sameIds(
        idle,
        sessions.toSorted((a, b) => compareIds(a.id, b.id)),
      );
    },
  },
  {
    name: 'due sessions are counted, idle and expired separately',
    async run(store) {
      await openedMany(store, 3);
      const [late] = await openedMany(store, 1, () => ({ createdAt: NOW + HOUR, expiresAt: NOW + 2 * HOUR }));
      same(await store.endings.countDue(NOW), { idle: 0, expired: 0 });
      same(await store.endings.countDue(NOW + PROVISIONAL_MS), { idle: 3, expired: 0 });
      same(await store.endings.countDue(NOW + HOUR), { idle: 3, expired: 3 });
      await store.endings.beginEnd(present(late).id, anEnd());
      same(await store.endings.countDue(NOW + 3 * HOUR), { idle: 3, expired: 3 });
    },
  },
  {
    name: 'the feed starts at the present, and reports opens, logins, regenerates and both steps of an end',
    async run(store) {
      await opened(store);
      const start = await store.feed.read(null, 10);
      same([start.changes, start.more], [[], false]);
      const session = await opened(store);
      const reader = readerOf(store, start.position);
      const authority = authorityOf(session.tokenHash);
      const change = {
        id: session.id,
        state: 'open',
        endReason: null,
        authority,
        keptAuthorities: [],
        userId: null,
        otherAddress: null,
        nodes: [],
      };
      same(await reader(), [change]);
      const bound = { ...change, authority: authorityOf(await loggedIn(store, session)), userId: 'ada' };
      same(await reader(), [bound]);
      const token = { tokenHash: tokenHash(session.id), at: NOW };
      await store.sessions.regenerate(session.id, null, token);
      const renewed = { ...bound, authority: authorityOf(token.tokenHash) };
      same(await reader(), [renewed]);
      await store.endings.beginEnd(session.id, anEnd({ reason: 'admin' }));
      const over = { ...renewed, endReason: 'admin' };
      same(await reader(), [{ ...over, state: 'ending' }]);
      await store.endings.finishEnd(session.id, NODE, NOW);
      same(await reader(), [{ ...over, state: 'ended', userId: null }]);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 1, requests: 1 }]);
      same(await reader(), []);
    },
  },
  {
    name: 'the feed reports each session once, in its latest state, page by page',
    async run(store) {
      const { position } = await store.feed.read(null, 10);
      const sessions: { id: string }[] = [];
      for (let index = 0; index < 7; index += 1) sessions.push(await opened(store));
      await loggedIn(store, present(sessions[2]));
      await store.endings.beginEnd(present(sessions[0]).id, anEnd());

      const reported: SessionChange[] = [];
      let at = position;
      for (let more = true; more;) {
        const page = await store.feed.read(at, 2);
        assert.ok(page.changes.length <= 2);
        reported.push(...page.changes);
        at = page.position;
        more = page.more;
      }
      const shapes = new Map(reported.map(({ id, state, userId }) => [id, { state, userId }]));
      assert.equal(reported.length, 7);
      same(
        sessions.map(({ id }) => shapes.get(id)),
        sessions.map((_, index) => ({
          state: index === 0 ? 'ending' : 'open',
          userId: index === 2 ? 'ada' : null,
        })),
      );
      same((await store.feed.read(at, 2)).changes, []);
    },
  },
  {
    name: 'a reader of the feed misses no change that is made while it reads',
    async run(store) {
      const { position } = await store.feed.read(null, 10);
      const reader = readerOf(store, position);
      const reported = new Set<string>();
      const opening = atOnce(40, () => opened(store));
      for (let reads = 0; reads < 20; reads += 1) for (const { id } of await reader()) reported.add(id);
      const sessions = await opening;
      for (const { id } of await reader()) reported.add(id);
      assert.deepEqual([...reported].toSorted(), sessions.map(({ id }) => id).toSorted());
    },
  },
  {
    name: 'the counter of a store grows with each change; its generation stays',
    async run(store) {
      const before = await store.ledger.identity();
      const session = await opened(store);
      const after = await store.ledger.identity();
      assert.equal(after.generation, before.generation);
      assert.ok(after.counter > before.counter);
      await ended(store, session);
      assert.ok((await store.ledger.identity()).counter > after.counter);
    },
  },
];

/** Reads the changes since the last call. */
function readerOf(store: SessionStore, start: FeedPosition): () => Promise<readonly SessionChange[]> {
  let position = start;
  return async () => {
    const feed = await store.feed.read(position, 1000);
    position = feed.position;
    return feed.changes;
  };
}
