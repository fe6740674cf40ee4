/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { END_REASONS } from '../../../domain/session.js';
import {
  anEnd,
  atOnce,
  complete,
  ended,
  HOUR,
  PROCESS,
  lease,
  loggedIn,
  LIMITS,
  MINUTE,
  newResource,
  NODE,
  NOW,
  opened,
  openedMany,
  OTHER_PROCESS,
  placement,
  present,
  ready,
  same,
  sameIds,
  SECOND,
  sessionNow,
  tokenHash,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const endingCases: readonly SessionStoreCase[] = [
  {
    name: 'of twenty concurrent ends one gets the record, in state ending',
    async run(store) {
      const session = await opened(store);
      const records = await atOnce(20, (index) =>
        store.endings.beginEnd(session.id, anEnd({ reason: index % 2 === 0 ? 'admin' : 'idle' })),
      );
      const [winner, ...others] = records.filter((record) => record !== null);
      assert.equal(others.length, 0);
      assert.equal(winner?.state, 'ending');
      const { hasFiles, ...record } = winner;
      same([hasFiles, record], [false, await sessionNow(store, session)]);
      assert.ok(winner.endReason === 'admin' || winner.endReason === 'idle');
    },
  },
  {
    name: 'after an end no operation changes the session',
    async run(store) {
      const session = await opened(store);
      const unfinished = await writing(store, session.id, 50);
      const unplaced = await complete(store, session.id, 50);
      const placed = await ready(store, session.id, 50);
      present(await store.endings.beginEnd(session.id, anEnd()));
      const before = await sessionNow(store, session);

      assert.equal(await store.resources.reserve(newResource(session.id), null, LIMITS), 'gone');
      assert.equal(await store.resources.grow(unfinished.id, null, 1, LIMITS), 'gone');
      assert.equal(
        await store.resources.complete(unfinished.id, null, { sizeBytes: 50, mediaType: null, at: NOW }),
        'gone',
      );
      assert.equal(await store.resources.place(placement(session.id, [unplaced])), 'gone');
      assert.equal(await store.resources.use(placed.id, null, PROCESS, NOW), null);
      const token = { tokenHash: tokenHash(session.id), at: NOW };
      assert.equal(await store.sessions.login(session.id, null, { ...token, userId: 'ada' }), 'gone');
      assert.equal(await store.sessions.regenerate(session.id, null, token), 'gone');
      assert.equal(await store.endings.beginEnd(session.id, anEnd()), null);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + MINUTE, requests: 1 }]);
      same(await sessionNow(store, session), before);
    },
  },
  {
    name: 'no writer that races with an end gets a complete or placed file that is gone',
    async run(store) {
      const session = await opened(store);
      const writers = await atOnce(20, () => writing(store, session.id, 10));
      const files = await atOnce(20, () => complete(store, session.id, 10));
      const completing = writers.map(({ id }) =>
        store.resources.complete(id, null, { sizeBytes: 10, mediaType: null, at: NOW }),
      );
      const placing = files.map((file) => store.resources.place(placement(session.id, [file])));
      const ending = store.endings.beginEnd(session.id, anEnd());
      const late = store.resources.reserve(newResource(session.id), null, LIMITS);
      const completed = (await Promise.all(completing)).filter((answer) => answer !== 'gone');
      const placed = (await Promise.all(placing)).filter((answer) => answer !== 'gone');
      present(await ending);
      const held = await store.resources.list([session.id]);
      assert.equal(held.length, 40 + ((await late) === 'reserved' ? 1 : 0));
      assert.equal(held.filter(({ state }) => state === 'ready').length, placed.length);
      const left = held.filter(({ state }) => state === 'complete');
      assert.equal(left.length, completed.length + files.length - placed.length);
    },
  },
  {
    name: 'an end that was decided on older activity is refused after later activity',
    async run(store) {
      const session = await opened(store);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 10, requests: 1 }]);
      assert.equal(
        await store.endings.beginEnd(session.id, anEnd({ reason: 'idle' }), { lastActivityAt: NOW }),
        null,
      );
      assert.equal((await sessionNow(store, session)).state, 'open');
      present(
        await store.endings.beginEnd(session.id, anEnd({ reason: 'idle' }), { lastActivityAt: NOW + 10 }),
      );
    },
  },
  {
    name: 'an end for one user is refused of a session without a user, or of another one',
    async run(store) {
      const session = await opened(store);
      assert.equal(await store.endings.beginEnd(session.id, anEnd(), { userId: 'ada' }), null);
      await loggedIn(store, session);
      for (const userId of ['eve', 'Ada', 'ada ']) {
        assert.equal(await store.endings.beginEnd(session.id, anEnd(), { userId }), null);
      }
      assert.equal((await sessionNow(store, session)).state, 'open');
      const [winner, ...others] = await atOnce(5, () =>
        store.endings.beginEnd(session.id, anEnd(), { userId: 'ada' }),
      ).then((records) => records.filter((record) => record !== null));
      same([winner?.id, others.length], [session.id, 0]);
    },
  },
  {
    name: 'finishing an end drops resource records and answers the settled resources and bytes',
    async run(store) {
      const session = await opened(store);
      await ready(store, session.id, 30);
      await ready(store, session.id, 12, { type: 'temp_file' });
      await writing(store, session.id, 500);
      await writing(store, session.id, 0, { type: 'stream' });
      await store.endings.beginEnd(session.id, anEnd());
      same(await store.endings.finishEnd(session.id, NODE, NOW + SECOND), { resources: 3, bytes: 42 });
      same(await store.resources.list([session.id]), []);
      const { state, resourceCount, bytesUsed } = await sessionNow(store, session);
      same([state, resourceCount, bytesUsed], ['ended', 0, 0]);
    },
  },
  {
    name: 'finishing an end twice, or that of an open session, answers zeros',
    async run(store) {
      const session = await opened(store);
      await ready(store, session.id, 30);
      same(await store.endings.finishEnd(session.id, NODE, NOW), { resources: 0, bytes: 0 });
      assert.equal((await sessionNow(store, session)).state, 'open');
      await store.endings.beginEnd(session.id, anEnd());
      const answers = await atOnce(5, () => store.endings.finishEnd(session.id, NODE, NOW));
      assert.equal(
        answers.reduce((sum, released) => sum + released.resources, 0),
        1,
      );
      assert.equal((await store.ledger.totals()).ending, 0);
    },
  },
  {
    name: 'a tombstone is found by its current and replaced token until it is dropped at its absolute end',
    async run(store) {
      const session = await opened(store);
      const next = tokenHash(session.id);
      await store.sessions.regenerate(session.id, null, { tokenHash: next, at: NOW });
      await ended(store, session);
      assert.equal((await store.sessions.findByToken(next))?.session.state, 'ended');
      assert.equal((await store.sessions.findByToken(session.tokenHash))?.session.endReason, 'ended');
      assert.equal(await store.endings.dropTombstones(session.expiresAt - 1, 10), 0);
      assert.equal(await store.endings.dropTombstones(session.expiresAt, 10), 1);
      assert.equal(await store.sessions.findByToken(next), null);
      assert.equal(await store.sessions.findByToken(session.tokenHash), null);
      assert.equal(await store.sessions.find(session.id), null);
    },
  },
  {
    name: 'a tombstone keeps neither user nor address nor agent',
    async run(store) {
      const session = await opened(store);
      await store.sessions.learnAddress(session.id, null, '2001:db8::1');
      await loggedIn(store, session);
      await ready(store, session.id);
      await store.endings.beginEnd(session.id, anEnd());
      const ending = await sessionNow(store, session);
      // Its files may wait long for their deletion.
      same([ending.state, ending.ipAddress, ending.otherAddress, ending.userAgent], ['ending', '', null, '']);
      await store.endings.finishEnd(session.id, NODE, NOW);
      const { state, ipAddress, otherAddress, userAgent, userId } = await sessionNow(store, session);
      same([state, ipAddress, otherAddress, userAgent, userId], ['ended', '', null, '', null]);
    },
  },
  {
    name: 'only tombstones are dropped, oldest first, and no open or ending session',
    async run(store) {
      const sessions = await openedMany(store, 5, (index) => ({ expiresAt: NOW + HOUR + index }));
      const [open, ending, ...over] = sessions;
      assert.ok(open && ending);
      await store.endings.beginEnd(ending.id, anEnd());
      for (const session of over) await ended(store, session);
      assert.equal(await store.endings.dropTombstones(NOW + 2 * HOUR, 2), 2);
      assert.equal(await store.sessions.find(over[0]?.id ?? ''), null);
      assert.equal(await store.sessions.find(over[1]?.id ?? ''), null);
      assert.equal(await store.endings.dropTombstones(NOW + 2 * HOUR, 2), 1);
      assert.equal(await store.endings.dropTombstones(NOW + 2 * HOUR, 2), 0);
      same(
        [(await sessionNow(store, open)).state, (await sessionNow(store, ending)).state],
        ['open', 'ending'],
      );
    },
  },
  {
    name: 'an unfinished end can be leased after its lease ends: oldest first, by one caller each time',
    async run(store) {
      const sessions = await openedMany(store, 3);
      for (const [index, session] of sessions.entries()) {
        await store.endings.beginEnd(session.id, anEnd({ lease: lease(NOW + 30 - index) }));
      }
      const request = { lease: lease(NOW + 100, OTHER_PROCESS), limit: 10 };
      same(await store.endings.leaseEnding({ ...request, at: NOW + 27 }), []);
      sameIds(
        await store.endings.leaseEnding({ ...request, at: NOW + 30, limit: 2 }),
        sessions.slice(1).toReversed(),
      );
      sameIds(await store.endings.leaseEnding({ ...request, at: NOW + 30 }), sessions.slice(0, 1));
      same(await store.endings.leaseEnding({ ...request, at: NOW + 99 }), []);
      const again = await atOnce(5, () =>
        store.endings.leaseEnding({ at: NOW + 100, lease: lease(NOW + 200), limit: 10 }),
      );
      assert.equal(again.flat().length, 3);
    },
  },
  {
    name: 'totals count ends by reason, and add up the durations of ended sessions',
    async run(store) {
      const sessions = await openedMany(store, END_REASONS.length);
      for (const [index, reason] of END_REASONS.entries()) {
        await store.endings.beginEnd(present(sessions[index]).id, anEnd({ reason, at: NOW + 100 }));
      }
      await store.endings.finishEnd(present(sessions[0]).id, NODE, NOW + 5000);
      const totals = await store.ledger.totals();
      same(totals.ended, { idle: 1, expired: 1, ended: 1, admin: 1, evicted: 1, unconfirmed: 1 });
      same([totals.open, totals.ending, totals.created, totals.endedDurationMs], [0, 5, 6, 600]);
    },
  },
];
