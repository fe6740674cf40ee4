/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { evictionOrder } from '../../../domain/eviction.js';
import {
  durationBucket,
  sumOfCounts,
  TREND_SPAN_NAMES,
  TREND_SPANS,
  trendStart,
  type TrendCounts,
  type TrendSpan,
} from '../../../domain/trends/trend.js';
import type { SessionStore, TrendBatch } from '../../../ports/store/session-store.js';
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
  OTHER_PROCESS,
  placed,
  placement,
  present,
  PROCESS,
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

/** After every point of a case. */
const LATER = NOW + 1000 * DAY;

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
  {
    name: 'what processes add is summed up, of peaks the largest is kept, beside what the store counts itself',
    async run(store) {
      await opened(store);
      await store.trends.add(batch(1, { requests: 5, 'refused:full': 1, peak_open: 7, peak_users: 3 }));
      await store.trends.add(batch(2, { requests: 2, cleaned: 1, peak_open: 4, peak_users: 3 }));
      await store.trends.add(batch(3, { peak_open: 9, cleaned: 0, peak_users: 0 }));
      await counts(store, {
        opened: 1,
        requests: 7,
        'refused:full': 1,
        cleaned: 1,
        peak_open: 9,
        peak_users: 3,
      });
    },
  },
  {
    name: 'a batch is added once, however often it is sent; batches of other processes are their own',
    async run(store) {
      const first = batch(1, { requests: 1, peak_open: 1 });
      await atOnce(5, () => store.trends.add(first));
      await store.trends.add({ ...first, processId: OTHER_PROCESS });
      await store.trends.add(batch(2, { requests: 10 }));
      await store.trends.add(batch(2, { requests: 10 }));
      await store.trends.add(first);
      await store.trends.add(batch(10, { requests: 100 }));
      await store.trends.add({ ...batch(2, { requests: 1000 }), processId: OTHER_PROCESS });
      await counts(store, { requests: 1112, peak_open: 1 });
    },
  },
  {
    name: 'batches of many processes at once are all added',
    async run(store) {
      await atOnce(30, async (index) => {
        const processId = `a0000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
        for (const number of [1, 2, 3]) {
          await store.trends.add({ ...batch(number, { requests: 1, peak_open: index }), processId });
        }
      });
      await counts(store, { requests: 90, peak_open: 29 });
    },
  },
  {
    name: 'a batch without counts, or with zeros only, leaves no point',
    async run(store) {
      await store.trends.add(batch(1, {}));
      await store.trends.add(batch(2, { requests: 0, peak_open: 0 }));
      for (const span of TREND_SPAN_NAMES) same(await points(store, span), []);
    },
  },
  {
    name: 'points are read by span, oldest first, from `from` on and before `to`, without those that have no counts',
    async run(store) {
      const instants = [NOW + 3 * DAY, NOW, NOW + MINUTE, NOW + HOUR, NOW + 59 * SECOND, NOW + DAY + HOUR];
      for (const [index, at] of instants.entries()) {
        await store.trends.add({ ...batch(index + 1, { requests: 1 }), at });
      }
      const read = async (span: TrendSpan, from: number, to: number): Promise<(number | undefined)[][]> =>
        (await store.trends.read({ span, from, to })).map((point) => [
          point.at - NOW,
          point.counts['requests'],
        ]);
      same(await read('minute', NOW, NOW + HOUR), [
        [0, 2],
        [MINUTE, 1],
      ]);
      same(await read('minute', NOW + 1, NOW + HOUR + 1), [
        [MINUTE, 1],
        [HOUR, 1],
      ]);
      same(await read('minute', NOW + MINUTE, NOW + MINUTE), []);
      same(await read('hour', NOW, LATER), [
        [0, 3],
        [HOUR, 1],
        [DAY + HOUR, 1],
        [3 * DAY, 1],
      ]);
      const today = trendStart('day', NOW);
      same(await read('day', today, today + 3 * DAY + 1), [
        [today - NOW, 4],
        [today - NOW + DAY, 1],
        [today - NOW + 3 * DAY, 1],
      ]);
      same(await read('day', today + 1, today + 3 * DAY), [[today - NOW + DAY, 1]]);
    },
  },
  {
    name: 'a name is any text',
    async run(store) {
      const names = [
        'constructor',
        'files:__proto__',
        'files:A_9',
        'duration:12',
        'x'.repeat(80),
        'peak_',
        'é %',
      ];
      const all = Object.fromEntries(names.map((name, index) => [name, index + 1]));
      await store.trends.add(batch(1, all));
      for (const span of TREND_SPAN_NAMES) {
        same(await points(store, span), [{ at: trendStart(span, NOW), counts: all }], span);
      }
    },
  },
  {
    name: 'a large count stays exact',
    async run(store) {
      await store.trends.add(batch(1, { 'bytes:file': 2 ** 52, peak_open: 2 ** 40 }));
      await store.trends.add(batch(2, { 'bytes:file': 2 ** 52 - 1 }));
      await counts(store, { 'bytes:file': Number.MAX_SAFE_INTEGER, peak_open: 2 ** 40 });
    },
  },
  {
    name: 'each point is dropped when its time since its beginning is over, and nothing younger',
    async run(store) {
      await store.trends.add(batch(1, { requests: 1, cleaned: 1 }));
      await store.trends.add({ ...batch(2, { requests: 1 }), at: NOW + DAY });
      const left = async (): Promise<number[]> =>
        Promise.all(TREND_SPAN_NAMES.map(async (span) => (await points(store, span)).length));
      same(await left(), [2, 2, 2]);
      assert.equal(await store.trends.prune(NOW), 0);
      let expected = [2, 2, 2];
      for (const [index, span] of TREND_SPAN_NAMES.entries()) {
        const until = trendStart(span, NOW) + TREND_SPANS[span].keptMs;
        assert.equal(await store.trends.prune(until - 1), 0, span);
        same(await left(), expected, span);
        assert.equal(await store.trends.prune(until), 1, span);
        expected = expected.with(index, 1);
        same(await left(), expected, span);
        assert.equal(await store.trends.prune(until), 0, span);
        assert.equal(await store.trends.prune(until + DAY), 1, span);
        expected = expected.with(index, 0);
        same(await left(), expected, span);
      }
    },
  },
];

function batch(number: number, counted: TrendCounts): TrendBatch {
  return { processId: PROCESS, number, at: NOW, counts: counted };
}

async function points(
  store: SessionStore,
  span: TrendSpan,
  from = 0,
): Promise<{ at: number; counts: TrendCounts }[]> {
  return store.trends.read({ span, from, to: LATER });
}

/** All that was counted has these counts, in each span. */
async function counts(store: SessionStore, expected: TrendCounts): Promise<void> {
  for (const span of TREND_SPAN_NAMES) {
    const found = await points(store, span);
    same(sumOfCounts(found.map((point) => point.counts)), expected, span);
  }
}
