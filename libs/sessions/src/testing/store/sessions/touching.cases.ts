import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  anEnd,
  atOnce,
  HOUR,
  NOW,
  opened,
  openedMany,
  same,
  sessionNow,
  type SessionStoreCase,
} from '../store.fixtures.js';

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
];
