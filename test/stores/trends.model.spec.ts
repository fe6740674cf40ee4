import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import {
  sumOfCounts,
  TREND_SPAN_NAMES,
  TREND_SPANS,
  trendStart,
  type TrendCounts,
  type TrendPoint,
  type TrendSpan,
} from '#sessions/domain/trends/trend';
import type { SessionStore, TrendBatch, TrendQuery, TrendsGroup } from '#sessions/ports/store/session-store';
import type { InOneThread } from '#sessions/ports/store/store-groups';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { DAY, HOUR, MINUTE, NOW, OTHER_PROCESS, PROCESS } from '#sessions/testing/store/store.fixtures';

/** What a store answers, in a few lines. */
class Trends implements InOneThread<TrendsGroup> {
  readonly #numbers = new Map<string, number>();
  readonly #points = new Map<TrendSpan, Map<number, TrendCounts>>(
    TREND_SPAN_NAMES.map((span) => [span, new Map()]),
  );

  add({ processId, number, at, counts }: TrendBatch): void {
    if (number <= (this.#numbers.get(processId) ?? 0)) return;
    this.#numbers.set(processId, number);
    const counted = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
    if (Object.keys(counted).length === 0) return;
    for (const span of TREND_SPAN_NAMES) {
      const start = trendStart(span, at);
      const points = this.#of(span);
      points.set(start, sumOfCounts([points.get(start) ?? {}, counted]));
    }
  }

  read({ span, from, to }: TrendQuery): TrendPoint[] {
    return [...this.#of(span)]
      .filter(([at]) => at >= from && at < to)
      .map(([at, counts]) => ({ at, counts }))
      .toSorted((a, b) => a.at - b.at);
  }

  prune(until: number): number {
    let dropped = 0;
    for (const span of TREND_SPAN_NAMES) {
      for (const at of this.#of(span).keys()) {
        if (at + TREND_SPANS[span].keptMs > until) continue;
        this.#of(span).delete(at);
        dropped += 1;
      }
    }
    return dropped;
  }

  #of(span: TrendSpan): Map<number, TrendCounts> {
    return this.#points.get(span) ?? new Map();
  }
}

const at = fc.oneof(
  fc.integer({ min: 0, max: 4 }).map((minutes) => NOW + minutes * MINUTE),
  fc.integer({ min: 0, max: 50 }).map((hours) => NOW + hours * HOUR),
  fc.integer({ min: 0, max: 5 * MINUTE }).map((ms) => NOW + ms),
  fc.integer({ min: 0, max: 40 }).map((days) => NOW + days * DAY - 1),
);
const span = fc.constantFrom(...TREND_SPAN_NAMES);
const counts = fc.dictionary(
  fc.constantFrom('requests', 'refused:full', 'peak_open', 'peak_users'),
  fc.integer({ min: 0, max: 9 }),
);
const commands = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('add' as const),
        processId: fc.constantFrom(PROCESS, OTHER_PROCESS),
        step: fc.constantFrom(-1, 0, 1, 1, 1),
        at,
        counts,
      }),
    },
    fc.record({
      kind: fc.constant('read' as const),
      span,
      from: at,
      lasts: fc.constantFrom(0, MINUTE, 2 * MINUTE, HOUR, DAY),
    }),
    fc.record({
      kind: fc.constant('prune' as const),
      // No later than a day after the last batch: later, a store may forget the numbers of batches.
      at: fc.integer({ min: 0, max: 47 }).map((hours) => NOW + hours * HOUR + 7),
    }),
  ),
  { maxLength: 30, size: 'max' },
);

type Drawn = ReturnType<(typeof commands)['generate']>['value'][number];
type Step =
  | { readonly kind: 'add'; readonly batch: TrendBatch }
  | { readonly kind: 'read'; readonly query: TrendQuery }
  | { readonly kind: 'prune'; readonly at: number };

/** Numbers the batches of each process: mostly the next one, sometimes the last or an earlier one again. */
function numbered(all: readonly Drawn[]): Step[] {
  const numbers = new Map<string, number>();
  return all.map((drawn) => {
    if (drawn.kind === 'prune') return drawn;
    if (drawn.kind === 'read') {
      const { span: of, from, lasts } = drawn;
      return { kind: 'read', query: { span: of, from, to: from + lasts } };
    }
    const { processId, step, at: batchAt, counts: counted } = drawn;
    const number = Math.max(1, (numbers.get(processId) ?? 0) + step);
    numbers.set(processId, number);
    return { kind: 'add', batch: { processId, number, at: batchAt, counts: counted } };
  });
}

async function perform(trends: TrendsGroup | InOneThread<TrendsGroup>, step: Step): Promise<unknown> {
  if (step.kind === 'read') return trends.read(step.query);
  if (step.kind === 'prune') return trends.prune(step.at);
  return (await trends.add(step.batch)) ?? null;
}

const STORES: readonly [
  string,
  number,
  () => Promise<{ store: SessionStore; remove: () => Promise<void> }>,
][] = [
  ['memory', 200, async () => ({ store: new MemorySessionStore(), remove: async () => {} })],
  [
    'sqlite',
    10,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
      const store = new SqliteSessionStore({ path: join(folder, 'sessions.db') });
      return { store, remove: () => rm(folder, { recursive: true }) };
    },
  ],
];

describe.each(STORES)('The trends of the %s store', (_name, numRuns, make) => {
  it('are those of the model, after any additions and prunes', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (all) => {
        const { store, remove } = await make();
        await store.connect();
        const model = new Trends();
        try {
          for (const step of numbered(all)) {
            expect(await perform(store.trends, step)).toEqual(await perform(model, step));
          }
          for (const name of TREND_SPAN_NAMES) {
            const query = { span: name, from: 0, to: NOW + 1000 * DAY };
            expect(await store.trends.read(query)).toEqual(model.read(query));
          }
        } finally {
          await store.close();
          await remove();
        }
      }),
      { numRuns },
    );
  }, 120_000);
});
