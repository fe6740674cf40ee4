/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  anEnd,
  atOnce,
  ended,
  MANY,
  NODE,
  NOW,
  newSession,
  opened,
  rejects,
  same,
  sessionNow,
  tally,
  tokenHash,
  upTo,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const openingCases: readonly SessionStoreCase[] = [
  {
    name: 'an opened session is found, with one request and all other counts at zero',
    async run(store) {
      const session = await opened(store, { userAgent: 'ünïcode “agent” 漢字 🙂' });
      same(await store.sessions.find(session.id), {
        ...session,
        state: 'open',
        endReason: null,
        keptAuthorities: [],
        userId: null,
        otherAddress: null,
        loggedInAt: null,
        remembered: false,
        lastActivityAt: session.createdAt,
        confirmed: false,
        requestCount: 1,
        resourceCount: 0,
        bytesUsed: 0,
        streamCount: 0,
        incomingCount: 0,
        incomingBytes: 0,
        dataBytes: 0,
      });
    },
  },
  {
    name: 'a missing record is answered with null or gone, whatever the id',
    async run(store) {
      await opened(store);
      for (const id of [randomUUID(), '', 'x', "'; DROP TABLE sessions; --", '../..', 'ü'.repeat(300)]) {
        assert.equal(await store.sessions.find(id), null);
        assert.equal(await store.sessions.findByToken(id), null);
        assert.equal(await store.resources.find(id), null);
        assert.equal(await store.endings.beginEnd(id, anEnd()), null);
        const token = { tokenHash: tokenHash(id), at: NOW };
        assert.equal(await store.sessions.login(id, null, { ...token, userId: 'user' }), 'gone');
        assert.equal(await store.sessions.regenerate(id, null, token), 'gone');
        same(await store.endings.finishEnd(id, NODE, NOW), { resources: 0, bytes: 0 });
      }
    },
  },
  {
    name: 'opening a session twice answers opened and changes nothing',
    async run(store) {
      const session = await opened(store);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 5, requests: 2 }]);
      const before = await sessionNow(store, session);
      assert.equal(await store.sessions.open(session, MANY), 'opened');
      same(await sessionNow(store, session), before);
      assert.equal((await store.ledger.totals()).created, 1);
    },
  },
  {
    name: 'opening an ended session again does not revive it',
    async run(store) {
      const session = await opened(store);
      await ended(store, session);
      await store.sessions.open(session, MANY);
      assert.equal((await sessionNow(store, session)).state, 'ended');
      assert.equal((await store.ledger.totals()).open, 0);
    },
  },
  {
    name: 'open refuses the id or token of another session, which stays unchanged',
    async run(store) {
      const session = await opened(store);
      await rejects(store.sessions.open(newSession({ id: session.id }), MANY), 'INVALID_ARGUMENT');
      await rejects(
        store.sessions.open(newSession({ tokenHash: session.tokenHash }), MANY),
        'INVALID_ARGUMENT',
      );
      assert.equal((await sessionNow(store, session)).tokenHash, session.tokenHash);
      assert.equal((await store.ledger.totals()).open, 1);
      assert.equal((await store.ledger.totals()).created, 1);
    },
  },
  {
    name: 'concurrent opens succeed exactly up to the limit',
    async run(store) {
      const answers = await atOnce(64, () => store.sessions.open(newSession(), upTo(10)));
      same(tally(answers), { opened: 10, full: 54 });
      const totals = await store.ledger.totals();
      same([totals.open, totals.created], [10, 10]);
    },
  },
  {
    name: 'a probe adds nothing, at the limit too',
    async run(store) {
      await opened(store);
      const before = [await store.ledger.totals(), await store.ledger.identity()];
      await Promise.all([store.sessions.probe(), store.sessions.probe()]);
      same([await store.ledger.totals(), await store.ledger.identity()], before);
      same((await store.sessions.list({ limit: 10, sort: 'created_at' })).sessions.length, 1);
      assert.equal(await store.sessions.open(newSession(), upTo(1)), 'full');
      await store.sessions.probe();
    },
  },
  {
    name: 'an end frees capacity for another session',
    async run(store) {
      const session = await opened(store);
      assert.equal(await store.sessions.open(newSession(), upTo(1)), 'full');
      await store.endings.beginEnd(session.id, anEnd());
      assert.equal(await store.sessions.open(newSession(), upTo(1)), 'opened');
    },
  },
  {
    name: 'a session is found by its token, and by no other',
    async run(store) {
      const session = await opened(store);
      await opened(store);
      same(await store.sessions.findByToken(session.tokenHash), {
        session: await sessionNow(store, session),
        current: true,
        replacedAt: null,
      });
      assert.equal(await store.sessions.findByToken(tokenHash()), null);
    },
  },
];
