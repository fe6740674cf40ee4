import { versionOf } from '../harness/machine.ts';
import { RedisServer } from '../harness/redis.ts';
import { median } from '../harness/statistics.ts';
import { difference, figure, type Table } from '../harness/table.ts';
import { BARE, THROTTLED, WITH_DATA, type Contender } from '../servers/contenders.ts';
import { LOSSES } from '../servers/losses.ts';
import { ADAPTERS, type AdapterName } from '../servers/server.ts';
import type { Scope } from '../tables.ts';
import { sampleAll, type Effort, type Sample } from './request.table.ts';

/** A contender, and the same without what is measured. */
interface Pair {
  readonly base: Contender;
  readonly added: Contender;
}

/** 10. A request that is counted for a rate limit of its visitor. */
export function measureThrottled(scope: Scope): Promise<Table[]> {
  return measurePairs(scope, {
    title: 'A throttled request',
    pairs: THROTTLED.map(({ base, throttled }) => ({ base, added: throttled })),
    notes: [
      'Each visitor has a limit that is not reached.',
      `${['@nestjs/throttler', '@nest-lab/throttler-storage-redis', 'ioredis'].map(versionOf).join(', ')}, ${RedisServer.version()}.`,
      'The throttler’s own memory, and so its limit, is of one process. Ours on SQLite is of all processes of a machine, on Redis of all machines, and holds in every window.',
    ],
  });
}

/** 11. A request that reads, or reads and writes, one key of its session's data. */
export function measureData(scope: Scope): Promise<Table[]> {
  return measurePairs(scope, {
    title: 'A request with data',
    pairs: WITH_DATA.map(({ base, use }) => ({ base, added: use })),
    notes: [
      'One key holds a cart of ten lines. Who writes it has read it before. The peers write the whole session, ours the key.',
      `${['express-session', '@fastify/session', 'connect-redis', 'redis'].map(versionOf).join(', ')}, ${RedisServer.version()}.`,
    ],
  });
}

interface Comparison {
  readonly title: string;
  readonly pairs: readonly Pair[];
  readonly notes: readonly string[];
}

/** What each of a pair costs, and the difference. */
export async function measurePairs(scope: Scope, comparison: Comparison): Promise<Table[]> {
  const tables: Table[] = [];
  for (const adapter of ADAPTERS) tables.push(await measureOn(adapter, scope, comparison));
  return tables;
}

async function measureOn(
  adapter: AdapterName,
  { short }: Scope,
  { title, pairs, notes }: Comparison,
): Promise<Table> {
  const effort: Effort = short
    ? { sessions: 100, warmUp: 1000, casts: 1, rounds: 3, requests: 500 }
    : { sessions: 1000, warmUp: 10_000, casts: 1, rounds: 9, requests: 5000 };
  const contenders = new Set(pairs.flatMap((pair) => [pair.base, pair.added]));
  const samples = await sampleAll(adapter, [...contenders], effort);
  const rows = pairs
    .filter((pair) => samples.has(pair.added))
    .map((pair) => {
      const [before, after] = [samples.get(pair.base) ?? [], samples.get(pair.added) ?? []];
      return [
        pair.added.name,
        figure(median(after.map(({ cpu }) => cpu)), 1),
        `${difference(aboveOf(before, after, ({ cpu }) => cpu))} above ${pair.base.name === BARE ? BARE : 'the same without'}`,
        pair.added.needsRedis ? difference(aboveOf(before, after, ({ redisCpu }) => redisCpu ?? 0)) : '',
        figure(median(after.map(({ perSecond }) => perSecond))),
        figure(median(after.map(({ p99Ms }) => p99Ms)), 2),
      ];
    });
  const { sessions, rounds, requests } = effort;
  return {
    title: `${title}, on ${adapter === 'express' ? 'Express' : 'Fastify'}`,
    columns: ['', 'CPU µs', 'of it', 'Redis CPU µs of it', 'requests/s', 'p99 ms'],
    rows,
    notes: [
      `${sessions} visitors; ${rounds} rounds of ${requests} requests, in turns; medians.`,
      ...notes,
      ...LOSSES,
    ],
  };
}

/** The difference of each round, and the median of these. */
function aboveOf(
  before: readonly Sample[],
  after: readonly Sample[],
  of: (sample: Sample) => number,
): number {
  return median(after.map((sample, round) => of(sample) - of(before[round] ?? sample)));
}
