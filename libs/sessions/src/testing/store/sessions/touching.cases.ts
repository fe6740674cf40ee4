import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { authorityOf } from '../../../domain/session.js';
import {
  anEnd,
  atOnce,
  HOUR,
  loggedIn,
  NOW,
  opened,
  openedMany,
  same,
  sessionNow,
  tally,
  tokenHash,
  type SessionStoreCase,
} from '../store.fixtures.js';

const ADDRESS = '2001:db8::1';
const OTHER = '2001:db8:0:1::1';

export const touchingCases: readonly SessionStoreCase[] = [
  {
    name: 'a touch moves last activity forward, counts requests and confirms the session',
    async run(store) {
      const session = await opened(store);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 10, requests: 3 }]);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 20, requests: 1 }]);
      const { lastActivityAt, requestCount, confirmed } = await sessionNow(store, session);
      same([lastActivityAt, requestCount, confirmed], [NOW + 20, 5, true]);
    },
  },
  {
    name: 'a touch without requests moves last activity and does not confirm the session',
    async run(store) {
      const session = await opened(store);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 10, requests: 0 }]);
      const { lastActivityAt, requestCount, confirmed } = await sessionNow(store, session);
      same([lastActivityAt, requestCount, confirmed], [NOW + 10, 1, false]);
    },
  },
  {
    name: 'a touch without requests keeps a session confirmed',
    async run(store) {
      const session = await opened(store);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 1, requests: 1 }]);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 2, requests: 0 }]);
      assert.equal((await sessionNow(store, session)).confirmed, true);
    },
  },
  {
    name: 'a late touch counts its requests and never moves last activity back',
    async run(store) {
      const session = await opened(store);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 100, requests: 1 }]);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 50, requests: 2 }]);
      const { lastActivityAt, requestCount } = await sessionNow(store, session);
      same([lastActivityAt, requestCount], [NOW + 100, 4]);
    },
  },
  {
    name: 'a touch never moves last activity past the absolute end',
    async run(store) {
      const session = await opened(store);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 2 * HOUR, requests: 1 }]);
      assert.equal((await sessionNow(store, session)).lastActivityAt, session.expiresAt);
    },
  },
  {
    name: 'one call touches many sessions, some twice, and skips those that are not open',
    async run(store) {
      const [first, second, over] = await openedMany(store, 3);
      assert.ok(first && second && over);
      await store.endings.beginEnd(over.id, anEnd());
      await store.sessions.touch([
        { sessionId: first.id, at: NOW + 1, requests: 1 },
        { sessionId: randomUUID(), at: NOW + 1, requests: 1 },
        { sessionId: over.id, at: NOW + 9, requests: 1 },
        { sessionId: second.id, at: NOW + 2, requests: 1 },
        { sessionId: first.id, at: NOW + 3, requests: 1 },
      ]);
      same((await sessionNow(store, first)).requestCount, 3);
      same((await sessionNow(store, first)).lastActivityAt, NOW + 3);
      same((await sessionNow(store, second)).lastActivityAt, NOW + 2);
      same((await sessionNow(store, over)).lastActivityAt, NOW);
      same((await sessionNow(store, over)).requestCount, 1);
      await store.sessions.touch([]);
    },
  },
  {
    name: 'all concurrent touches are counted',
    async run(store) {
      const session = await opened(store);
      await atOnce(50, (index) =>
        store.sessions.touch([{ sessionId: session.id, at: NOW + index, requests: 1 }]),
      );
      const { lastActivityAt, requestCount } = await sessionNow(store, session);
      same([lastActivityAt, requestCount], [NOW + 49, 51]);
    },
  },
  {
    name: 'a session learns one address; a repeat is done, any other is taken and changes nothing',
    async run(store) {
      const session = await opened(store);
      const authority = authorityOf(session.tokenHash);
      assert.equal((await sessionNow(store, session)).otherAddress, null);
      assert.equal(await store.sessions.learnAddress(session.id, authority, ADDRESS), 'done');
      const before = [await sessionNow(store, session), await store.ledger.identity()];
      for (const by of [authority, null]) {
        assert.equal(await store.sessions.learnAddress(session.id, by, ADDRESS), 'done');
        assert.equal(await store.sessions.learnAddress(session.id, by, OTHER), 'taken');
      }
      same([await sessionNow(store, session), await store.ledger.identity()], before);
      const { ipAddress, otherAddress } = await sessionNow(store, session);
      same([ipAddress, otherAddress], [session.ipAddress, ADDRESS]);
    },
  },
  {
    name: 'of concurrent addresses a session learns one',
    async run(store) {
      const session = await opened(store);
      const addresses = Array.from({ length: 20 }, (_, index) => `2001:db8:0:${index}::1`);
      const answers = await Promise.all(
        addresses.map((address) => store.sessions.learnAddress(session.id, null, address)),
      );
      same(tally(answers), { done: 1, taken: 19 });
      assert.equal((await sessionNow(store, session)).otherAddress, addresses[answers.indexOf('done')]);
    },
  },
  {
    name: 'a learnt address is a change in the feed, and stays through logins and ends',
    async run(store) {
      const session = await opened(store);
      const start = (await store.feed.read(null, 10)).position;
      await store.sessions.learnAddress(session.id, null, ADDRESS);
      const { changes } = await store.feed.read(start, 10);
      same(
        changes.map(({ id, state, otherAddress }) => [id, state, otherAddress]),
        [[session.id, 'open', ADDRESS]],
      );
      await loggedIn(store, session);
      assert.equal((await sessionNow(store, session)).otherAddress, ADDRESS);
    },
  },
  {
    name: 'an address is not learnt by a replaced token, nor by an ended or unknown session',
    async run(store) {
      const session = await opened(store);
      const replaced = authorityOf(session.tokenHash);
      await loggedIn(store, session);
      assert.equal(await store.sessions.learnAddress(session.id, replaced, ADDRESS), 'stale');
      assert.equal((await sessionNow(store, session)).otherAddress, null);
      await store.endings.beginEnd(session.id, anEnd());
      assert.equal(await store.sessions.learnAddress(session.id, null, ADDRESS), 'gone');
      assert.equal(await store.sessions.learnAddress(randomUUID(), null, ADDRESS), 'gone');
    },
  },
  {
    name: 'a session knows its latest login, and no regenerate changes it',
    async run(store) {
      const session = await opened(store);
      const loggedInAt = async () => (await sessionNow(store, session)).loggedInAt;
      const token = (at: number) => ({ tokenHash: tokenHash(session.id), at });
      await store.sessions.regenerate(session.id, null, token(NOW + 1));
      assert.equal(await loggedInAt(), null);
      await store.sessions.login(session.id, null, { ...token(NOW + 2), userId: 'ada' });
      assert.equal(await loggedInAt(), NOW + 2);
      await store.sessions.regenerate(session.id, null, token(NOW + 3));
      assert.equal(await loggedInAt(), NOW + 2);
      await store.sessions.login(session.id, null, { ...token(NOW + 4), userId: 'ada' });
      assert.equal(await loggedInAt(), NOW + 4);
    },
  },
];
