import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { countEvent, RATE_WINDOW_MS, type RateRing } from '#sessions/domain/rates/rate-ring';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { RedisSessionStore } from '#sessions/redis/index';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { MANY, newSession, NOW } from '#sessions/testing/store/store.fixtures';
import { RedisServer } from '../support/redis-servers.js';

type Pair = readonly [SessionStore, SessionStore];

/** Two processes' worth of stores on the same data. */
const PAIRS: readonly [string, () => Promise<{ pair: Pair; remove: () => Promise<void> }>][] = [
  [
    'sqlite',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
      const make = (): SessionStore => new SqliteSessionStore({ path: join(folder, 'sessions.db') });
      return { pair: [make(), make()], remove: () => rm(folder, { recursive: true }) };
    },
  ],
  [
    'redis',
    async () => {
      const server = await RedisServer.start();
      const make = (): SessionStore =>
        new RedisSessionStore({ url: server.url, buckets: 16, timeoutMs: 10_000 });
      return { pair: [make(), make()], remove: () => server.stop() };
    },
  ],
];

const opening = fc.record({
  process: fc.constantFrom<0 | 1>(0, 1),
  gapMs: fc.oneof(
    fc.integer({ min: 0, max: 12_000 }),
    fc.constantFrom(4999, 5000, 55_000, 59_999, 60_000, 65_000, 90_000),
  ),
  /** By how much the clock of the process is behind. */
  lateMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6000 }), fc.constant(70_000)),
});
const openings = fc.array(opening, { maxLength: 40 });
const limits = fc.integer({ min: 1, max: 5 });

describe.each(PAIRS)('The openings of one network from two processes on %s', (_name, make) => {
  let pair: Pair;
  let remove: () => Promise<void>;
  let networks = 0;

  beforeAll(async () => {
    ({ pair, remove } = await make());
    for (const store of pair) await store.connect();
  }, 30_000);

  afterAll(async () => {
    for (const store of pair) await store.close();
    await remove();
  });

  async function openAt(process: 0 | 1, at: number, key: string, openRate: number) {
    const network = { key, openRate, maxUnconfirmed: 0 };
    return pair[process].sessions.open(newSession({ createdAt: at }), { ...MANY, network });
  }

  it('are never more than the limit in any 60 s', async () => {
    await fc.assert(
      fc.asyncProperty(openings, limits, async (all, limit) => {
        const key = `network ${(networks += 1)}`;
        const opened: number[] = [];
        let now = NOW;
        for (const { process, gapMs } of all) {
          now += gapMs;
          if ((await openAt(process, now, key, limit)) === 'opened') opened.push(now);
        }
        for (const from of opened) {
          const within = opened.filter((at) => at >= from && at < from + RATE_WINDOW_MS);
          expect(within.length).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('are counted by the rule of the domain, whatever the clocks of the processes', async () => {
    await fc.assert(
      fc.asyncProperty(openings, limits, async (all, limit) => {
        const key = `network ${(networks += 1)}`;
        let ring: RateRing | null = null;
        let now = NOW;
        for (const { process, gapMs, lateMs } of all) {
          now += gapMs;
          const expected = countEvent(ring, now - lateMs, limit);
          const answer = await openAt(process, now - lateMs, key, limit);
          expect(answer).toEqual(
            expected.ring ? 'opened' : { refused: 'rate', retryAfterMs: expected.retryAfterMs },
          );
          ring = expected.ring ?? ring;
        }
      }),
      { numRuns: 40 },
    );
  });

  it('are exactly as many as the limit, if both ask at once', async () => {
    const key = `network ${(networks += 1)}`;
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, index) => openAt(index % 2 === 0 ? 0 : 1, NOW, key, 30)),
    );
    expect(answers.filter((answer) => answer === 'opened')).toHaveLength(30);
  });
});
