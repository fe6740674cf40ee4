/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import {
  TREND_SPAN_NAMES,
  TREND_SPANS,
  trendStart,
  type TrendCounts,
  type TrendSpan,
} from '../../../domain/trends/trend.js';
import type { TrendBatch } from '../../../ports/store/session-store.js';
import {
  atOnce,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  opened,
  OTHER_PROCESS,
  PROCESS,
  same,
  SECOND,
  type SessionStoreCase,
} from '../store.fixtures.js';
import { counts, points, LATER } from './trends.fixtures.js';

export const trendBatchCases: readonly SessionStoreCase[] = [
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
