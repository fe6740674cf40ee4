/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import type { JournalEntry } from '../../../domain/journal/entry.js';
import type { NewSession } from '../../../domain/session.js';
import type { SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  beat,
  HOUR,
  MINUTE,
  newToken,
  NODE,
  NOW,
  OTHER_NODE,
  present,
  ready,
  same,
  SECOND,
  sessionNow,
  type SessionStoreCase,
} from '../store.fixtures.js';
import {
  ADMIN,
  append,
  auditOf,
  CLIENT,
  finish,
  HASH,
  kindsOf,
  mismatch,
  noted,
  notedLogin,
  OTHER_HASH,
  requests,
  timelineOf,
} from './journal.fixtures.js';

const NOTE = { by: CLIENT };
/** About as many characters as bytes. */
const LONG_TEXT = `/${'x'.repeat(999)}`;

export const forgettingCases: readonly SessionStoreCase[] = [
  {
    name: 'a tombstone and its timeline are kept until the given instant, and found by the session’s tokens',
    async run(store) {
      const session = await noted(store);
      const next = newToken(session);
      await store.sessions.regenerate(session.id, null, next);
      const keptUntil = session.expiresAt + HOUR;
      await store.endings.beginEnd(session.id, anEnd({ note: NOTE, keptUntil }));
      assert.equal(await store.endings.dropTombstones(keptUntil, 10), 0);
      await finish(store, session);
      assert.equal(await store.endings.dropTombstones(session.expiresAt, 10), 0);
      assert.equal(await store.endings.dropTombstones(keptUntil - 1, 10), 0);
      assert.equal((await store.sessions.findByToken(next.tokenHash))?.session.state, 'ended');
      assert.equal((await timelineOf(store, session)).length, 2);
      assert.equal(await store.endings.dropTombstones(keptUntil, 10), 1);
      assert.equal(await store.sessions.findByToken(next.tokenHash), null);
      assert.equal(await store.sessions.find(session.id), null);
      same(await timelineOf(store, session), []);
      assert.equal(await store.journal.prune(0, 10), 0);
    },
  },
  {
    name: 'a tombstone is kept until the absolute end, however soon the given instant is',
    async run(store) {
      for (const keptUntil of [NOW + MINUTE, null, undefined]) {
        const session = await noted(store);
        await store.endings.beginEnd(session.id, anEnd({ note: NOTE, keptUntil }));
        await finish(store, session);
        assert.equal(await store.endings.dropTombstones(session.expiresAt - 1, 10), 0);
        assert.equal(await store.endings.dropTombstones(session.expiresAt, 10), 1);
        same(await timelineOf(store, session), []);
      }
    },
  },
  {
    name: 'of tombstones with different instants the earliest are dropped first, also if another node ended them',
    async run(store) {
      await store.fleet.heartbeat(beat({ nodeId: OTHER_NODE }));
      const sessions = [];
      for (const hours of [3, 1, 2]) {
        const session = await noted(store);
        if (hours === 1) await ready(store, session.id, 10, { nodeId: OTHER_NODE });
        const keptUntil = session.expiresAt + hours * HOUR;
        await store.endings.beginEnd(session.id, anEnd({ note: NOTE, keptUntil }));
        await finish(store, session);
        sessions.push(session);
      }
      const [last, first, second] = sessions;
      assert.ok(last && first && second);
      assert.equal(await store.endings.dropTombstones(last.expiresAt + HOUR, 10), 0);
      present(await store.fleet.forgetNode(OTHER_NODE, NOW, NOW + SECOND));
      assert.equal((await sessionNow(store, first)).state, 'ended');
      assert.equal(await store.endings.dropTombstones(last.expiresAt + 2 * HOUR, 1), 1);
      same([await timelineOf(store, first), (await timelineOf(store, second)).length], [[], 2]);
      assert.equal(await store.endings.dropTombstones(last.expiresAt + 2 * HOUR, 10), 1);
      same([await timelineOf(store, second), (await timelineOf(store, last)).length], [[], 2]);
    },
  },
  {
    name: 'pruning drops nothing while all timelines fit',
    async run(store) {
      const session = await noted(store);
      await append(store, session, requests(10));
      assert.equal(await store.journal.prune(1_000_000, 100), 0);
      assert.equal((await timelineOf(store, session)).length, 11);
    },
  },
  {
    name: 'pruning drops requests of the sessions that were opened first, and stops when the rest fits',
    async run(store) {
      const sessions = await openedInTurn(store, 3);
      for (const session of sessions) await append(store, session, [mismatch(NOW), ...tenKilobytes()]);
      // They hold 31 to 39 kB, however a store writes them.
      const dropped = await store.journal.prune(30_000, 1000);
      assert.ok(dropped >= 1 && dropped <= 10, `dropped ${dropped} entries`);
      const kinds = await Promise.all(
        sessions.map(async (session) => kindsOf(await timelineOf(store, session))),
      );
      const left = { opened: 1, mismatch: 1 };
      const whole = { ...left, request: 10 };
      same(kinds, [dropped === 10 ? left : { ...left, request: 10 - dropped }, whole, whole]);
      assert.equal(await store.journal.prune(30_000, 1000), 0);
    },
  },
  {
    name: 'pruning drops whole timelines when no requests are left, those of the sessions that were opened first',
    async run(store) {
      const sessions = await openedInTurn(store, 4);
      const [first, second, third, fourth] = sessions;
      assert.ok(first && second && third && fourth);
      await append(store, fourth, tenKilobytes());
      for (const session of sessions) await append(store, session, tenKilobytesOfDeeds());
      await store.endings.beginEnd(third.id, anEnd({ note: NOTE }));
      // Each timeline holds 10 to 13 kB, however a store writes it.
      const dropped = await store.journal.prune(28_000, 10_000);
      const lengths = await Promise.all(sessions.map(async (one) => (await timelineOf(store, one)).length));
      same([dropped, lengths], [10 + 11 + 11, [0, 0, 12, 11]]);
      // The sessions stay, and what happens to them next is entered.
      assert.equal((await sessionNow(store, first)).state, 'open');
      await append(store, first, [mismatch(NOW)]);
      assert.equal((await timelineOf(store, first)).length, 1);
      assert.equal(await store.journal.prune(0, 10_000), 12 + 11 + 1);
      assert.equal(await store.journal.prune(0, 10_000), 0);
    },
  },
  {
    name: 'pruning drops about as many entries as asked for, and goes on when it is called again',
    async run(store) {
      const sessions = await openedInTurn(store, 10);
      for (const session of sessions) await append(store, session, requests(10));
      let dropped = await store.journal.prune(0, 10);
      assert.ok(dropped >= 1 && dropped <= 30, `dropped ${dropped} entries`);
      for (let calls = 0; calls < 110; calls += 1) dropped += await store.journal.prune(0, 10);
      assert.equal(dropped, 110);
    },
  },
  {
    name: 'a user is forgotten in the sessions that are over: their timelines go, their tombstones stay',
    async run(store) {
      const [ending, over, live, other] = await openedInTurn(store, 4);
      assert.ok(ending && over && live && other);
      for (const session of [ending, over, live]) await notedLogin(store, session);
      await notedLogin(store, other, OTHER_HASH);
      // The latest login told nothing: the hash stays.
      const again = { ...newToken(over), userId: HASH };
      assert.equal(await store.sessions.login(over.id, null, again), 'done');
      for (const session of [ending, over, other]) {
        await store.endings.beginEnd(session.id, anEnd({ note: { by: ADMIN } }));
      }
      for (const session of [over, other]) await finish(store, session);

      assert.equal(await store.journal.forgetUser(HASH, 10), 2);
      const lengths = await Promise.all(
        [ending, over, live, other].map(async (session) => (await timelineOf(store, session)).length),
      );
      same(lengths, [0, 0, 2, 3]);
      // Of a request that was still under way.
      await store.journal.append(
        [ending, over, live].map(({ id }) => ({
          sessionId: id,
          entry: { at: NOW, kind: 'mismatch', property: 'address' },
        })),
      );
      same(
        await Promise.all([ending, over, live].map(async (of) => (await timelineOf(store, of)).length)),
        [0, 0, 3],
      );
      const { state } = await sessionNow(store, over);
      same([state, (await store.sessions.findByToken(again.tokenHash))?.session.id], ['ended', over.id]);
      assert.equal(await store.journal.forgetUser(HASH, 10), 0);
      // The audit names no user, and stays.
      assert.equal((await auditOf(store)).length, 3);
      await store.endings.beginEnd(live.id, anEnd({ note: NOTE }));
      assert.equal(await store.journal.forgetUser(HASH, 10), 1);
      same([await timelineOf(store, live), (await timelineOf(store, other)).length], [[], 3]);
      same(await store.endings.finishEnd(live.id, NODE, NOW), { resources: 0, bytes: 0 });
    },
  },
  {
    name: 'at most as many sessions of a user are forgotten at a time as asked for',
    async run(store) {
      const sessions = await openedInTurn(store, 5);
      for (const session of sessions) {
        await notedLogin(store, session);
        await store.endings.beginEnd(session.id, anEnd({ note: NOTE }));
        await finish(store, session);
      }
      assert.equal(await store.journal.forgetUser(OTHER_HASH, 10), 0);
      for (const expected of [2, 2, 1, 0]) assert.equal(await store.journal.forgetUser(HASH, 2), expected);
      for (const session of sessions) same(await timelineOf(store, session), []);
    },
  },
  {
    name: 'a user whose timelines were pruned, or whose tombstones are gone, is forgotten too',
    async run(store) {
      const [pruned, dropped] = await openedInTurn(store, 2);
      assert.ok(pruned && dropped);
      for (const session of [pruned, dropped]) {
        await notedLogin(store, session);
        const keptUntil = session.expiresAt + (session === pruned ? HOUR : 0);
        await store.endings.beginEnd(session.id, anEnd({ note: NOTE, keptUntil }));
        await finish(store, session);
      }
      await store.journal.prune(0, 100);
      assert.equal(await store.endings.dropTombstones(dropped.expiresAt, 10), 1);
      assert.equal(await store.journal.forgetUser(HASH, 10), 1);
      assert.equal(await store.journal.forgetUser(HASH, 10), 0);
    },
  },
];

/** Opens sessions a second apart, the openings noted. */
async function openedInTurn(store: SessionStore, count: number): Promise<NewSession[]> {
  const sessions: NewSession[] = [];
  for (let index = 0; index < count; index += 1) {
    const createdAt = NOW - MINUTE + index * SECOND;
    sessions.push(await noted(store, { createdAt, expiresAt: NOW + HOUR }));
  }
  return sessions;
}

function tenKilobytes(): JournalEntry[] {
  return requests(10, NOW + SECOND, LONG_TEXT);
}

function tenKilobytesOfDeeds(): JournalEntry[] {
  const evicted = { kind: 'evicted', by: CLIENT, resourceId: '', type: LONG_TEXT, sizeBytes: 1 } as const;
  return Array.from({ length: 10 }, (_, index) => ({ ...evicted, at: NOW + index }));
}
