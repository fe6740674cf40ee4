/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { evictionOrder } from '../../../domain/eviction.js';
import { durationBucket, sumOfCounts, TREND_SPAN_NAMES, trendStart } from '../../../domain/trends/trend.js';
import {
  anEnd,
  atOnce,
  complete,
  DAY,
  HOUR,
  LIMITS,
  MANY,
  MINUTE,
  newSession,
  newToken,
  NOW,
  opened,
  placed,
  placement,
  present,
  ready,
  rejects,
  resourceNow,
  same,
  SECOND,
  tally,
  tokenHash,
  upTo,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';
import { mixedOperations } from './totals.cases.js';
import { counts, points } from './trends.fixtures.js';

export const trendCases: readonly SessionStoreCase[] = [
  {
    name: 'a new store has no trends, and a probe counts nothing',
    async run(store) {
      await store.sessions.probe();
      for (const span of TREND_SPAN_NAMES) same(await points(store, span), []);
    },
  },
  {
    name: 'an opening is counted once in its minute, hour and day, a refused one and a repeat never',
    async run(store) {
      const at = NOW + 25 * HOUR + 61 * MINUTE + 7 * SECOND;
      const session = await opened(store, { createdAt: at });
      assert.equal(await store.sessions.open(session, MANY), 'opened');
      assert.equal(await store.sessions.open(newSession({ createdAt: at }), upTo(1)), 'full');
      const other = { ...newSession({ createdAt: at }), id: session.id, tokenHash: tokenHash(session.id) };
      await rejects(store.sessions.open(other, MANY), 'INVALID_ARGUMENT');
      for (const span of TREND_SPAN_NAMES) {
        same(await points(store, span), [{ at: trendStart(span, at), counts: { opened: 1 } }], span);
      }
      await opened(store);
      same(await points(store, 'minute'), [
        { at: NOW, counts: { opened: 1 } },
        { at: trendStart('minute', at), counts: { opened: 1 } },
      ]);
    },
  },
  {
    name: 'of openings at once each one that succeeds is counted, and none that fails',
    async run(store) {
      const taken = newSession();
      const answers = await atOnce(40, async (index) => {
        if (index % 4 !== 0) return store.sessions.open(newSession(), upTo(20));
        const rival = { ...taken, tokenHash: tokenHash(taken.id) };
        return store.sessions.open(rival, upTo(20)).catch(() => 'rejected');
      });
      const { opened: count = 0 } = tally(answers);
      assert.ok(count > 0 && count < 40);
      await counts(store, { opened: count });
    },
  },
  {
    name: 'a login is counted at its instant, a repeat, a refused one and a new token without login are not',
    async run(store) {
      const session = await opened(store);
      const login = { userId: 'ada', ...newToken(session, NOW + MINUTE) };
      assert.equal(await store.sessions.login(session.id, null, login), 'done');
      assert.equal(await store.sessions.login(session.id, null, login), 'done');
      const bob = { userId: 'bob', ...newToken(session, NOW + MINUTE) };
      assert.equal(await store.sessions.login(session.id, null, bob), 'taken');
      assert.equal(await store.sessions.regenerate(session.id, null, newToken(session)), 'done');
      same(await points(store, 'minute'), [
        { at: NOW, counts: { opened: 1 } },
        { at: NOW + MINUTE, counts: { logins: 1 } },
      ]);
      await counts(store, { opened: 1, logins: 1 });
    },
  },
  {
    name: 'an end is counted by its reason and the bucket of its duration, once, by the caller that won',
    async run(store) {
      const [lived, back, idle] = [await opened(store), await opened(store), await opened(store)];
      const end = anEnd({ reason: 'admin', at: NOW + 5 * MINUTE });
      const won = await atOnce(3, () => store.endings.beginEnd(lived.id, end));
      assert.equal(won.filter((answer) => answer !== null).length, 1);
      // A clock that was set back: no duration is negative.
      present(await store.endings.beginEnd(back.id, anEnd({ reason: 'ended', at: NOW - SECOND })));
      const only = { lastActivityAt: NOW - SECOND };
      assert.equal(await store.endings.beginEnd(idle.id, anEnd({ reason: 'idle' }), only), null);
      same(await points(store, 'minute'), [
        { at: NOW - MINUTE, counts: { 'ended:ended': 1, 'duration:0': 1 } },
        { at: NOW, counts: { opened: 3 } },
        {
          at: NOW + 5 * MINUTE,
          counts: { 'ended:admin': 1, [`duration:${durationBucket(5 * MINUTE)}`]: 1 },
        },
      ]);
    },
  },
  {
    name: 'a session that ended lasts as long in the trends as the domain says, from a millisecond to a year',
    async run(store) {
      const expected: Record<string, number> = {};
      for (const durationMs of [
        0, 1, 2, 17, 999, 61_234, 3_600_001, 86_399_999, 2_592_000_123, 31_536_000_777,
      ]) {
        const { id } = await opened(store, { createdAt: NOW - durationMs, expiresAt: NOW + HOUR });
        present(await store.endings.beginEnd(id, anEnd({ at: NOW })));
        const name = `duration:${durationBucket(durationMs)}`;
        expected[name] = (expected[name] ?? 0) + 1;
      }
      const all = sumOfCounts((await points(store, 'day')).map((point) => point.counts));
      const found = Object.entries(all).filter(([name]) => name.startsWith('duration:'));
      same(Object.fromEntries(found), expected);
    },
  },
  {
    name: 'files and bytes are counted by type when they take their places, once, at the instant of the placement',
    async run(store) {
      const session = await opened(store, { createdAt: NOW - DAY, expiresAt: NOW + DAY });
      const files = [
        await complete(store, session.id, 10, { type: 'audio_file' }),
        await complete(store, session.id, 0, { type: 'audio_file' }),
        await complete(store, session.id, 25, { type: 'scan_2' }),
      ];
      await complete(store, session.id, 5);
      await writing(store, session.id, 7, { type: 'file' });
      await writing(store, session.id, 0, { type: 'stream' });
      const request = placement(session.id, files, { at: NOW + MINUTE });
      placed(await store.resources.place(request));
      placed(await store.resources.place({ ...request, at: NOW + 2 * MINUTE }));
      same(await points(store, 'minute', NOW), [
        {
          at: NOW + MINUTE,
          counts: { 'files:audio_file': 2, 'bytes:audio_file': 10, 'files:scan_2': 1, 'bytes:scan_2': 25 },
        },
      ]);
    },
  },
  {
    name: 'a refused placement counts nothing, an overdrawn file counts once, and not again when it gets its place',
    async run(store) {
      const session = await opened(store, { createdAt: NOW - DAY, expiresAt: NOW + DAY });
      const first = await ready(store, session.id, 10);
      const small = { limits: { ...LIMITS, maxResources: 1 } };
      const file = await complete(store, session.id, 20);
      assert.equal(await store.resources.place(placement(session.id, [file], small)), 'full');
      const overdraw = { ...small, overdraw: true };
      placed(await store.resources.place(placement(session.id, [file], { ...overdraw, at: NOW + MINUTE })));
      placed(
        await store.resources.place(placement(session.id, [file], { ...overdraw, at: NOW + 2 * MINUTE })),
      );
      assert.equal((await resourceNow(store, file)).overdrawn, true);
      await store.releases.beginRelease([first.id], placement(session.id, []).lease);
      placed(await store.resources.place(placement(session.id, [file], { ...small, at: NOW + 3 * MINUTE })));
      assert.equal((await resourceNow(store, file)).overdrawn, false);
      same(await points(store, 'minute', NOW), [
        { at: NOW, counts: { 'files:audio_file': 1, 'bytes:audio_file': 10 } },
        { at: NOW + MINUTE, counts: { 'files:audio_file': 1, 'bytes:audio_file': 20 } },
      ]);
    },
  },
  {
    name: 'what is evicted is counted at the instant of the placement, not in a repeat',
    async run(store) {
      const session = await opened(store, { createdAt: NOW - DAY, expiresAt: NOW + DAY });
      await ready(store, session.id, 10);
      await ready(store, session.id, 10, { type: 'file' });
      const file = await complete(store, session.id, 30);
      const candidates = evictionOrder(await store.resources.list([session.id]));
      const limits = { ...LIMITS, maxBytes: 30 };
      const request = placement(session.id, [file], { candidates, limits, at: NOW + MINUTE });
      assert.equal(placed(await store.resources.place(request)).victims.length, 2);
      assert.equal(placed(await store.resources.place(request)).victims.length, 2);
      same(await points(store, 'minute', NOW + MINUTE), [
        { at: NOW + MINUTE, counts: { evicted: 2, 'files:audio_file': 1, 'bytes:audio_file': 30 } },
      ]);
    },
  },
  {
    name: 'trends agree with the totals through hundreds of mixed operations',
    async run(store) {
      await mixedOperations(store, 400);
      const session = await opened(store);
      await ready(store, session.id, 10);
      const file = await complete(store, session.id, 10, { type: 'file' });
      const candidates = evictionOrder(await store.resources.list([session.id]));
      const limits = { ...LIMITS, maxResources: 1 };
      placed(await store.resources.place(placement(session.id, [file], { candidates, limits })));
      const { created, ended, types } = await store.ledger.totals();
      const evicted = types.reduce((sum, type) => sum + type.evicted, 0);
      assert.ok(evicted > 0);
      for (const span of TREND_SPAN_NAMES) {
        const all = sumOfCounts((await points(store, span)).map((point) => point.counts));
        same([all['opened'], all['evicted'] ?? 0], [created, evicted], span);
        for (const [reason, count] of Object.entries(ended)) {
          assert.equal(all[`ended:${reason}`] ?? 0, count, reason);
        }
        const lasted = Object.entries(all).filter(([name]) => name.startsWith('duration:'));
        same(
          lasted.reduce((sum, [, count]) => sum + count, 0),
          Object.values(ended).reduce((sum, count) => sum + count, 0),
        );
      }
    },
  },
];
