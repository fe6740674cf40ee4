/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import type { RateCount, RateEvent } from '../../../domain/rates/rate-count.js';
import { RecentRates } from '../../../domain/rates/recent-rates.js';
import { MINUTE, NOW, same, SECOND, type SessionStoreCase } from '../store.fixtures.js';

const KEYS = ['a', 'b 🔑'];
const GAPS = [0, 1, 83, 400, 4999, 5000, 5001, 12_000, 55_000, 60_000, 65_000, -3000, 200_000];

function event(given: Partial<RateEvent>): RateEvent {
  return { key: 'a', at: NOW, limit: 3, windowMs: MINUTE, blockMs: null, ...given };
}

/** Events in an order that looks random, and is always the same. */
function eventsOf(windowMs: number, blockMs: number | null): RateEvent[] {
  let at = NOW;
  let number = 1;
  return Array.from({ length: 300 }, () => {
    number = (number * 48_271) % 2_147_483_647;
    at += Math.round(((GAPS[number % GAPS.length] ?? 0) * windowMs) / MINUTE);
    return event({ key: KEYS[number % 2] ?? 'a', at, windowMs, blockMs });
  });
}

export const rateCases: readonly SessionStoreCase[] = [
  ...[
    { name: 'a minute', windowMs: MINUTE, blockMs: null },
    { name: 'a second', windowMs: SECOND, blockMs: null },
    { name: 'a day', windowMs: 1440 * MINUTE, blockMs: null },
    { name: 'a minute, with a block of half a minute', windowMs: MINUTE, blockMs: MINUTE / 2 },
    { name: 'a minute, with a block of an hour', windowMs: MINUTE, blockMs: 60 * MINUTE },
  ].map(({ name, windowMs, blockMs }) => ({
    name: `rates of ${name} are counted as the domain counts them, each key by itself`,
    run: async ({ rates }: Parameters<SessionStoreCase['run']>[0]) => {
      const model = new RecentRates();
      const answers: [RateCount, RateCount][] = [];
      for (const each of eventsOf(windowMs, blockMs)) {
        answers.push([await rates.count(each), model.count(each)]);
      }
      for (const [answer, expected] of answers) same(answer, expected);
      const refused = answers.filter(([{ retryAfterMs }]) => retryAfterMs !== null);
      assert.ok(refused.length > 20 && refused.length < 280, `${refused.length} of 300 are refused`);
    },
  })),
  {
    name: 'of a thousand events at once as many are counted as the limit allows',
    async run({ rates }) {
      const answers = await Promise.all(Array.from({ length: 1000 }, () => rates.count(event({ limit: 5 }))));
      const counted = answers.filter(({ retryAfterMs }) => retryAfterMs === null);
      same(
        counted.map((count) => ('events' in count ? count.events : 0)).toSorted((a, b) => a - b),
        [1, 2, 3, 4, 5],
      );
    },
  },
];
