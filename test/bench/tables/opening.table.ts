import { Arena, rotated, type Fighter } from '../harness/arena.ts';
import { goal } from '../harness/goal.ts';
import { say } from '../harness/progress.ts';
import { RedisServer } from '../harness/redis.ts';
import { median } from '../harness/statistics.ts';
import { difference, figure, type Table } from '../harness/table.ts';
import type { Load } from '../load.program.ts';
import { BARE, CONTENDERS, REDIS, SQLITE } from '../servers/contenders.ts';
import { LOSSES } from '../servers/losses.ts';
import { ADAPTERS, type AdapterName } from '../servers/server.ts';
import type { Scope } from '../tables.ts';

const CONNECTIONS = 16;

interface Sample {
  readonly cpu: number;
  readonly redisCpu: number | null;
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** 2. A request without a cookie: it begins a session. */
export async function measureOpening(scope: Scope): Promise<Table[]> {
  const tables: Table[] = [];
  for (const adapter of ADAPTERS) tables.push(await measureOn(adapter, scope));
  return tables;
}

async function measureOn(adapter: AdapterName, { short }: Scope): Promise<Table> {
  const [requests, warmUp, rounds] = short ? [500, 500, 3] : [2000, 10_000, 11];
  const arena = await Arena.open();
  try {
    for (const contender of CONTENDERS) {
      const isOfUse =
        contender.adapters.includes(adapter) && (contender.hasSessions || contender.name === BARE);
      // Opening has nothing to do with the cache.
      if (!isOfUse || contender.name.includes('cache: false')) continue;
      if (contender.needsRedis && !RedisServer.isInstalled()) continue;
      say(`${adapter}: ${contender.name}: ${warmUp} requests to warm up`);
      await load(arena, await arena.admit(contender, adapter), warmUp);
    }
    const samples = new Map<Fighter, Sample[]>(arena.fighters.map((fighter) => [fighter, []]));
    for (let round = 0; round < rounds; round += 1) {
      say(`${adapter}: round ${round + 1} of ${rounds}`);
      for (const fighter of rotated(arena.fighters, round)) {
        samples.get(fighter)?.push(await sample(arena, fighter, requests));
      }
    }
    return tableOf(adapter, samples, [
      `${CONNECTIONS} connections, ${rounds} rounds of ${requests} requests without a cookie each, in turns; medians of the rounds.`,
      ...LOSSES,
    ]);
  } finally {
    await arena.close();
  }
}

function load(arena: Arena, { port }: Fighter, requests: number): Promise<Load> {
  return arena.client.ask<Load>('run', port, [null], requests, CONNECTIONS);
}

async function sample(arena: Arena, fighter: Fighter, requests: number): Promise<Sample> {
  let ran: Load | undefined;
  const cpu = await fighter.cpuPerRequest(requests, async () => {
    ran = await load(arena, fighter, requests);
  });
  const { ms = Number.NaN, p99Ms = Number.NaN } = ran ?? {};
  return { cpu: cpu.own, redisCpu: cpu.redis, perSecond: (requests / ms) * 1000, p99Ms };
}

function tableOf(
  adapter: AdapterName,
  samples: ReadonlyMap<Fighter, readonly Sample[]>,
  notes: string[],
): Table {
  const bare = [...samples].find(([{ contender }]) => contender.name === BARE)?.[1] ?? [];
  const rows = [...samples].map(([{ contender }, rounds]) => {
    const redis = rounds.map(({ redisCpu }) => redisCpu).filter((cpu) => cpu !== null);
    return [
      contender.name,
      figure(median(rounds.map(({ cpu }) => cpu)), 1),
      contender.name === BARE
        ? ''
        : difference(median(rounds.map(({ cpu }, round) => cpu - (bare[round]?.cpu ?? Number.NaN)))),
      redis.length > 0 ? figure(median(redis), 1) : '',
      figure(median(rounds.map(({ perSecond }) => perSecond))),
      figure(median(rounds.map(({ p99Ms }) => p99Ms)), 2),
    ];
  });
  return {
    title: `Opening a session, on ${adapter === 'express' ? 'Express' : 'Fastify'}`,
    columns: ['', 'CPU µs', 'above bare', 'Redis CPU µs', 'requests/s', 'p99 ms'],
    rows,
    notes: [...goalsOf(samples), ...notes],
  };
}

/** With what its Redis spends on it: that is spent on the session too. */
function goalsOf(samples: ReadonlyMap<Fighter, readonly Sample[]>): string[] {
  const costs = new Map(
    [...samples].map(([{ contender }, rounds]) => [
      contender.name,
      median(rounds.map(({ cpu, redisCpu }) => cpu + (redisCpu ?? 0))),
    ]),
  );
  const peers = [...costs].filter(([name]) => name.endsWith('connect-redis'));
  return [SQLITE, REDIS].flatMap((name) =>
    peers.map(([peer, atMost]) =>
      goal(`${name}, no more than ${peer}`, costs.get(name) ?? Number.NaN, atMost, {
        unit: 'µs with its Redis',
      }),
    ),
  );
}
