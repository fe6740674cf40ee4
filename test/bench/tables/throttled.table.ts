import { versionOf } from '../harness/machine.ts';
import { RedisServer } from '../harness/redis.ts';
import { median } from '../harness/statistics.ts';
import { difference, figure, type Table } from '../harness/table.ts';
import { BARE, THROTTLED } from '../servers/contenders.ts';
import { LOSSES } from '../servers/losses.ts';
import { ADAPTERS, type AdapterName } from '../servers/server.ts';
import type { Scope } from '../tables.ts';
import { sampleAll, type Effort, type Sample } from './request.table.ts';

/** 10. A request that is counted for a rate limit of its visitor. */
export async function measureThrottled(scope: Scope): Promise<Table[]> {
  const tables: Table[] = [];
  for (const adapter of ADAPTERS) tables.push(await measureOn(adapter, scope));
  return tables;
}

async function measureOn(adapter: AdapterName, { short }: Scope): Promise<Table> {
  const effort: Effort = short
    ? { sessions: 100, warmUp: 1000, casts: 1, rounds: 3, requests: 500 }
    : { sessions: 1000, warmUp: 10_000, casts: 1, rounds: 9, requests: 5000 };
  const contenders = new Set(THROTTLED.flatMap(({ base, throttled }) => [base, throttled]));
  const samples = await sampleAll(adapter, [...contenders], effort);
  const rows = THROTTLED.filter(({ throttled }) => samples.has(throttled)).map(({ base, throttled }) => {
    const [before, after] = [samples.get(base) ?? [], samples.get(throttled) ?? []];
    return [
      throttled.name,
      figure(median(after.map(({ cpu }) => cpu)), 1),
      `${difference(aboveOf(before, after, ({ cpu }) => cpu))} above ${base.name === BARE ? base.name : 'the same without'}`,
      throttled.needsRedis ? difference(aboveOf(before, after, ({ redisCpu }) => redisCpu ?? 0)) : '',
      figure(median(after.map(({ perSecond }) => perSecond))),
      figure(median(after.map(({ p99Ms }) => p99Ms)), 2),
    ];
  });
  const { sessions, rounds, requests } = effort;
  return {
    title: `A throttled request, on ${adapter === 'express' ? 'Express' : 'Fastify'}`,
    columns: ['', 'CPU µs', 'of the limit', 'Redis CPU µs of it', 'requests/s', 'p99 ms'],
    rows,
    notes: [
      `${sessions} visitors, each with a limit that is not reached; ${rounds} rounds of ${requests} requests, in turns; medians.`,
      `${['@nestjs/throttler', '@nest-lab/throttler-storage-redis', 'ioredis'].map(versionOf).join(', ')}, ${RedisServer.version()}.`,
      'The throttler’s own memory, and so its limit, is of one process. Ours on SQLite is of all processes of a machine, on Redis of all machines, and holds in every window.',
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
