import { Arena, type Fighter } from '../harness/arena.ts';
import type { LoopDelay } from '../harness/loop-watch.ts';
import { say } from '../harness/progress.ts';
import { RedisServer } from '../harness/redis.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import { contenderNamed, SQLITE } from '../servers/contenders.ts';
import type { Scope } from '../tables.ts';

const CONNECTIONS = 16;
const DUE = 1000;
const ACTIVE = 1000;
const OWN = [SQLITE];
const PEERS = ['express-session, memory', 'express-session, connect-redis'];

/** 3. What it costs to have many live sessions. */
export async function measureScale({ short }: Scope): Promise<Table[]> {
  const sizes = short ? [1000, 10_000] : [1000, 100_000, 1_000_000];
  const repeats = short ? 3 : 11;
  const [own, peers]: [string[][], string[][]] = [[], []];
  for (const size of sizes) {
    for (const name of OWN)
      own.push(await withFighter(name, size, (arena, fighter) => rowOf(arena, fighter, size, repeats)));
    for (const name of PEERS) {
      if (name.includes('redis') && !RedisServer.isInstalled()) continue;
      peers.push(await withFighter(name, size, (_arena, fighter) => peerRowOf(fighter, size, short ? 1 : 3)));
    }
  }
  const note = `Medians of ${repeats}; one cleanup with ${DUE} sessions due.`;
  return [
    {
      title: 'Live sessions',
      columns: [
        '',
        'sessions',
        'request CPU µs',
        'of any CPU µs',
        'page of 100 ms',
        'metrics ms',
        'cleanup, none due ms',
        `${DUE} due ms`,
        'loop p99/max ms',
        'server MB',
        'bytes/session',
      ],
      rows: own,
      notes: [
        note,
        `request: of ${ACTIVE} active sessions among all; of any: of ${20 * ACTIVE} sessions spread over all, more than are remembered on the way.`,
        'Loop: delay of the event loop during that cleanup. Express.',
      ],
    },
    {
      title: 'Live sessions, the peers',
      columns: ['', 'sessions', 'all() ms', 'length() ms', 'server MB', 'bytes/session in Redis'],
      rows: peers,
      notes: ['The peers have no pages: all() is what there is for listing, length() for counting.'],
    },
  ];
}

async function withFighter(
  name: string,
  size: number,
  work: (arena: Arena, fighter: Fighter) => Promise<string[]>,
): Promise<string[]> {
  const arena = await Arena.open();
  try {
    say(`${name}: ${size} sessions`);
    return await work(arena, await arena.admit(contenderNamed(name), 'express'));
  } finally {
    await arena.close();
  }
}

async function rowOf(arena: Arena, fighter: Fighter, size: number, repeats: number): Promise<string[]> {
  const { server, contender } = fighter;
  const any = await server.ask<string[]>('seed', size, 20 * ACTIVE);
  const bytes = await server.ask<number | null>('storeBytes');
  const active = any.filter((_, index) => index % Math.max(1, Math.floor(any.length / ACTIVE)) === 0);
  const ofActive = await requestCost(arena, fighter, active, repeats);
  const ofAny = await requestCost(arena, fighter, any, repeats);
  const page = await repeated(repeats, () => server.ask<number>('list'));
  const metrics = await repeated(repeats, () => server.ask<number>('count'));
  const idleCleanup = await repeated(repeats, () => server.ask<number>('cleanUp'));
  const delays: LoopDelay[] = [];
  const cleanup = await repeated(Math.min(3, repeats), async () => {
    await server.ask('addExpired', DUE);
    await server.ask('watchLoop');
    const ms = await server.ask<number>('cleanUp');
    delays.push(await server.ask<LoopDelay>('loopDelay'));
    return ms;
  });
  const memory = await server.ask<number>('memory');
  return [
    contender.name,
    figure(size),
    figure(ofActive, 1),
    figure(ofAny, 1),
    figure(page, 2),
    figure(metrics, 2),
    figure(idleCleanup, 2),
    figure(cleanup),
    `${figure(median(delays.map(({ p99Ms }) => p99Ms)), 1)} / ${figure(median(delays.map(({ maxMs }) => maxMs)), 1)}`,
    figure(memory / 1e6),
    figure(bytes === null ? null : bytes / size),
  ];
}

async function peerRowOf(
  { server, redis, contender }: Fighter,
  size: number,
  repeats: number,
): Promise<string[]> {
  const emptyBytes = redis ? await server.ask<number | null>('storeBytes') : null;
  await server.ask('seed', size);
  const bytes = redis ? await server.ask<number | null>('storeBytes') : null;
  const all = await repeated(repeats, () => server.ask<number>('list'));
  const length = await repeated(repeats, () => server.ask<number>('count'));
  const memory = await server.ask<number>('memory');
  return [
    contender.name,
    figure(size),
    figure(all, 1),
    figure(length, 1),
    figure(memory / 1e6),
    figure(bytes === null || emptyBytes === null ? null : (bytes - emptyBytes) / size),
  ];
}

async function requestCost(
  arena: Arena,
  fighter: Fighter,
  cookies: readonly string[],
  rounds: number,
): Promise<number> {
  const requests = Math.max(4000, cookies.length);
  const run = (): Promise<unknown> => arena.client.ask('run', fighter.port, cookies, requests, CONNECTIONS);
  await run();
  return repeated(Math.min(rounds, 5), async () => (await fighter.cpuPerRequest(requests, run)).own);
}

async function repeated(times: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  while (values.length < times) values.push(await measure());
  return median(values);
}
