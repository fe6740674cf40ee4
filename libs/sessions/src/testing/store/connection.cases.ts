/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import {
  LIMITS,
  MANY,
  newResource,
  newSession,
  opened,
  rejects,
  same,
  sessionNow,
  type SessionStoreCase,
} from './store.fixtures.js';

export const connectionCases: readonly SessionStoreCase[] = [
  {
    name: 'concurrent calls are all answered, and a refused one affects no other',
    async run(store) {
      const session = await opened(store);
      const answers = await Promise.allSettled([
        store.resources.reserve(newResource(session.id), null, LIMITS),
        store.sessions.open(newSession({ tokenHash: session.tokenHash }), MANY),
        store.resources.reserve(newResource(session.id), null, LIMITS),
      ]);
      same(
        answers.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      assert.equal((await sessionNow(store, session)).incomingCount, 2);
    },
  },
  {
    name: 'close finishes accepted calls, and a closed store rejects calls',
    async run(store) {
      const session = newSession();
      const opening = store.sessions.open(session, MANY);
      await store.close();
      assert.equal(await opening, 'opened');
      await rejects(store.sessions.find(session.id), 'STORE_UNAVAILABLE');
      await store.close();
    },
  },
  {
    name: 'connecting again loses nothing',
    async run(store) {
      const session = await opened(store);
      await store.connect();
      assert.equal((await sessionNow(store, session)).state, 'open');
    },
  },
];
