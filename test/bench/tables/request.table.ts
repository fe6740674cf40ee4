import { Arena, rotated, type Fighter } from '../harness/arena.ts';
import { CLIENT_CORE, versionOf } from '../harness/machine.ts';
import { goal } from '../harness/goal.ts';
import { say } from '../harness/progress.ts';
import { RedisServer } from '../harness/redis.ts';
import { median } from '../harness/statistics.ts';
import { difference, figure, type Table } from '../harness/table.ts';
import type { Load, Visitor } from '../load.program.ts';
import { BARE, CONTENDERS, NO_OP, REDIS, SQLITE, type Contender } from '../servers/contenders.ts';
import { LOSSES } from '../servers/losses.ts';
import { ADAPTERS, type AdapterName } from '../servers/server.ts';
import type { Scope } from '../tables.ts';

const CONNECTIONS = 16;
/** What a request's session may cost beyond an interceptor that does nothing, and beside a peer in memory. */
const MOST_MICROSECONDS = 10;
const MOST_OF_PEER = 0.2;

export interface Effort {
  readonly sessions: number;
  readonly warmUp: number;
  /** How often the processes are new. */
  readonly casts: number;
  readonly rounds: number;
  readonly requests: number;
}

export interface Sample {
  readonly cpu: number;
  readonly redisCpu: number | null;
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** 1. A request that reads and touches a session. */
export async function measureRequests(scope: Scope): Promise<Table[]> {
  const tables: Table[] = [];
  for (const adapter of ADAPTERS) tables.push(await measureOn(adapter, scope));
  return tables;
}

async function measureOn(adapter: AdapterName, { short }: Scope): Promise<Table> {
  const effort: Effort = short
    ? { sessions: 100, warmUp: 2000, casts: 1, rounds: 5, requests: 1000 }
    : { sessions: 1000, warmUp: 30_000, casts: 3, rounds: 5, requests: 6000 };
  const samples = await sampleAll(adapter, CONTENDERS, effort);
  const { sessions, casts, rounds, requests } = effort;
  return tableOf(adapter, samples, [
    `${sessions} sessions, ${CONNECTIONS} connections; ${casts} times new processes, each with ${rounds} rounds of ${requests} requests, in turns; medians of all rounds.`,
    versionsOf(adapter),
    ...LOSSES,
    'CPU: of the server process with all its threads; that of a Redis comes on top, in its own column.',
  ]);
}

/** What all rounds of all casts have to say of each contender. */
export async function sampleAll(
  adapter: AdapterName,
  contenders: readonly Contender[],
  effort: Effort,
): Promise<ReadonlyMap<Contender, readonly Sample[]>> {
  const samples = new Map<Contender, Sample[]>();
  for (let cast = 0; cast < effort.casts; cast += 1) {
    say(`${adapter}: cast ${cast + 1} of ${effort.casts}`);
    await addSamples(samples, adapter, contenders, effort);
  }
  return samples;
}

/** What new processes of all contenders have to say: no two of the same program compile and lay out the same. */
async function addSamples(
  samples: Map<Contender, Sample[]>,
  adapter: AdapterName,
  contenders: readonly Contender[],
  { sessions, warmUp, rounds, requests }: Effort,
): Promise<void> {
  const arena = await Arena.open();
  try {
    const visitors = new Map<Fighter, readonly (string | null)[]>();
    for (const contender of contenders.filter(({ adapters }) => adapters.includes(adapter))) {
      if (contender.needsRedis && !RedisServer.isInstalled()) continue;
      say(`${adapter}: ${contender.name}: ${sessions} sessions, and ${warmUp} requests to warm up`);
      const fighter = await arena.admit(contender, adapter);
      visitors.set(fighter, await prepare(arena, fighter, sessions));
      await load(arena, fighter, visitors.get(fighter) ?? [], warmUp);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const fighter of rotated(arena.fighters, round)) {
        const { contender } = fighter;
        const sampled = await sample(arena, fighter, visitors.get(fighter) ?? [], requests);
        samples.set(contender, [...(samples.get(contender) ?? []), sampled]);
      }
    }
  } finally {
    await arena.close();
  }
}

/** The cookies of clients that are known again; nothing where the server knows no clients. */
async function prepare(
  arena: Arena,
  { contender, port }: Fighter,
  count: number,
): Promise<(string | null)[]> {
  if (!contender.hasSessions)
    return Array.from({ length: count }, () => 'sid=nobody-reads-this-cookie-of-the-benchmark');
  const visitors = await arena.client.ask<Visitor[]>('open', port, count, CONNECTIONS);
  await arena.client.ask('check', port, visitors, CONNECTIONS);
  return visitors.map(({ cookie }) => cookie);
}

function load(
  arena: Arena,
  { port }: Fighter,
  cookies: readonly (string | null)[],
  requests: number,
): Promise<Load> {
  return arena.client.ask<Load>('run', port, cookies, requests, CONNECTIONS);
}

async function sample(
  arena: Arena,
  fighter: Fighter,
  cookies: readonly (string | null)[],
  requests: number,
): Promise<Sample> {
  let ran: Load | undefined;
  const cpu = await fighter.cpuPerRequest(requests, async () => {
    ran = await load(arena, fighter, cookies, requests);
  });
  const { ms = Number.NaN, p99Ms = Number.NaN } = ran ?? {};
  return { cpu: cpu.own, redisCpu: cpu.redis, perSecond: (requests / ms) * 1000, p99Ms };
}

/** Differences are taken within each round, where the machine was in one mood, and then the median of them. */
function tableOf(
  adapter: AdapterName,
  samples: ReadonlyMap<Contender, readonly Sample[]>,
  notes: string[],
): Table {
  const cpuOf = (name: string): number[] => {
    const found = [...samples].find(([contender]) => contender.name === name);
    return (found?.[1] ?? []).map(({ cpu }) => cpu);
  };
  const above = (name: string, other: string): number => {
    const others = cpuOf(other);
    return median(cpuOf(name).map((cpu, round) => cpu - (others[round] ?? Number.NaN)));
  };
  const rows = CONTENDERS.filter((contender) => samples.has(contender)).map((contender) => {
    const rounds = samples.get(contender) ?? [];
    const redis = rounds.map(({ redisCpu }) => redisCpu).filter((cpu) => cpu !== null);
    return [
      contender.name,
      figure(median(rounds.map(({ cpu }) => cpu)), 1),
      contender.name === BARE ? '' : difference(above(contender.name, BARE)),
      contender.hasSessions ? difference(above(contender.name, NO_OP)) : '',
      redis.length > 0 ? figure(median(redis), 1) : '',
      figure(median(rounds.map(({ perSecond }) => perSecond))),
      figure(median(rounds.map(({ p99Ms }) => p99Ms)), 2),
    ];
  });
  return {
    title: `A request, on ${adapter === 'express' ? 'Express' : 'Fastify'}`,
    columns: ['', 'CPU µs', 'above bare', 'above no-op', 'Redis CPU µs', 'requests/s', 'p99 ms'],
    rows,
    notes: [
      ...goalsOf(
        [SQLITE, REDIS].filter((name) => cpuOf(name).length > 0),
        adapter === 'express' ? 'express-session, memory' : '@fastify/session, memory',
        (name) => above(name, NO_OP),
      ),
      ...notes,
    ],
  };
}

function goalsOf(own: readonly string[], peer: string, cost: (name: string) => number): string[] {
  const unit = { unit: 'µs above no-op' };
  return own.flatMap((name) => [
    goal(name, cost(name), MOST_MICROSECONDS, unit),
    goal(`${name}, a fifth of ${peer}`, cost(name), MOST_OF_PEER * cost(peer), unit),
  ]);
}

function versionsOf(adapter: AdapterName): string {
  const peers = adapter === 'express' ? ['express', 'express-session'] : ['fastify', '@fastify/session'];
  const names = ['nest-sessions', '@nestjs/core', ...peers, 'connect-redis', 'redis'];
  return `${[...names.map(versionOf), RedisServer.version()].join(', ')} (on the client's core, ${CLIENT_CORE}).`;
}
