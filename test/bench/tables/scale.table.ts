import { Arena, type Fighter } from '../harness/arena.ts';
import { goal } from '../harness/goal.ts';
import type { LoopDelay } from '../harness/loop-watch.ts';
import { say } from '../harness/progress.ts';
import { RedisServer } from '../harness/redis.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import { contenderNamed, REDIS, SQLITE } from '../servers/contenders.ts';
import type { Scope } from '../tables.ts';

const CONNECTIONS = 16;
const DUE = 1000;
const ACTIVE = 1000;
/** How much more the most sessions may cost than the fewest, and what they may take. */
const MOST_GROWTH = 1.5;
const MOST_MEGABYTES = 250;
const MOST_BYTES = 512;
const OWN = [SQLITE, REDIS];
const PEERS = ['express-session, memory', 'express-session, connect-redis'];

/** What was measured with so many sessions: milliseconds but for what says otherwise. */
interface Scaled {
  readonly sessions: number;
  readonly activeCpuMicroseconds: number;
  readonly anyCpuMicroseconds: number;
  readonly page: number;
  readonly metrics: number;
  readonly idleCleanup: number;
  readonly cleanup: number;
  readonly loop: LoopDelay;
  readonly megabytes: number;
  readonly bytesEach: number;
}

/** 3. What it costs to have many live sessions. */
export async function measureScale({ short }: Scope): Promise<Table[]> {
  const sizes = short ? [1000, 10_000] : [1000, 100_000, 1_000_000];
  const repeats = short ? 3 : 11;
  const own = new Map<string, Scaled[]>(OWN.map((name) => [name, []]));
  const peers: string[][] = [];
  for (const size of sizes) {
    for (const name of OWN) {
      if (name === REDIS && !RedisServer.isInstalled()) continue;
      const scaled = await withFighter(name, size, (arena, fighter) =>
        measureWith(arena, fighter, size, repeats),
      );
      own.get(name)?.push(scaled);
    }
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
      rows: [...own].flatMap(([name, all]) => all.map((scaled) => [name, ...figuresOf(scaled)])),
      notes: [
        ...[...own].flatMap(([name, all]) => goalsOf(name, all)),
        note,
        `request: of ${ACTIVE} active sessions among all; of any: of ${20 * ACTIVE} sessions spread over all, more than are remembered on the way.`,
        'Loop: delay of the event loop during that cleanup. Express. Another process opened the sessions, and stopped.',
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

async function withFighter<Measured>(
  name: string,
  size: number,
  work: (arena: Arena, fighter: Fighter) => Promise<Measured>,
): Promise<Measured> {
  const arena = await Arena.open();
  try {
    say(`${name}: ${size} sessions`);
    return await work(arena, await arena.admit(contenderNamed(name), 'express'));
  } finally {
    await arena.close();
  }
}

/** The sessions were opened by another process before: what that took is not in the memory of this one. */
async function measureWith(arena: Arena, opener: Fighter, size: number, repeats: number): Promise<Scaled> {
  const { redis } = opener;
  const emptyBytes = (await redis?.usedBytes()) ?? 0;
  const any = await opener.server.ask<string[]>('seed', size, 20 * ACTIVE);
  const bytes = (await redis?.usedBytes()) ?? (await opener.server.ask<number>('storeBytes'));
  const fighter = await arena.replace(opener);
  const { server } = fighter;
  const active = any.filter((_, index) => index % Math.max(1, Math.floor(any.length / ACTIVE)) === 0);
  const activeCpuMicroseconds = await requestCost(arena, fighter, active, repeats);
  const anyCpuMicroseconds = await requestCost(arena, fighter, any, repeats);
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
  const loop = {
    p99Ms: median(delays.map(({ p99Ms }) => p99Ms)),
    maxMs: median(delays.map(({ maxMs }) => maxMs)),
  };
  const megabytes = memory / 1e6;
  const bytesEach = (bytes - emptyBytes) / size;
  const costs = { activeCpuMicroseconds, anyCpuMicroseconds, page, metrics, idleCleanup, cleanup };
  return { sessions: size, ...costs, loop, megabytes, bytesEach };
}

function figuresOf(scaled: Scaled): string[] {
  return [
    figure(scaled.sessions),
    figure(scaled.activeCpuMicroseconds, 1),
    figure(scaled.anyCpuMicroseconds, 1),
    figure(scaled.page, 2),
    figure(scaled.metrics, 2),
    figure(scaled.idleCleanup, 2),
    figure(scaled.cleanup),
    `${figure(scaled.loop.p99Ms, 1)} / ${figure(scaled.loop.maxMs, 1)}`,
    figure(scaled.megabytes),
    figure(scaled.bytesEach),
  ];
}

function goalsOf(name: string, all: readonly Scaled[]): string[] {
  const [fewest, most] = [all[0], all.at(-1)];
  if (!fewest || !most) return [];
  const growth = (what: string, of: (scaled: Scaled) => number): string =>
    goal(`${name}, ${what}`, of(most) / of(fewest), MOST_GROWTH, {
      unit: `times that of ${figure(fewest.sessions)} sessions`,
      digits: 2,
    });
  return [
    growth('a request', ({ activeCpuMicroseconds }) => activeCpuMicroseconds),
    growth('a page', ({ page }) => page),
    growth('metrics', ({ metrics }) => metrics),
    growth('a cleanup with nothing due', ({ idleCleanup }) => idleCleanup),
    growth(`a cleanup with ${DUE} due`, ({ cleanup }) => cleanup),
    goal(`${name}, memory of the server`, most.megabytes, MOST_MEGABYTES, { unit: 'MB', digits: 0 }),
    goal(`${name}, in the store`, most.bytesEach, MOST_BYTES, { unit: 'bytes a session', digits: 0 }),
  ];
}

async function peerRowOf(
  { server, redis, contender }: Fighter,
  size: number,
  repeats: number,
): Promise<string[]> {
  const emptyBytes = await redis?.usedBytes();
  await server.ask('seed', size);
  const bytes = await redis?.usedBytes();
  const all = await repeated(repeats, () => server.ask<number>('list'));
  const length = await repeated(repeats, () => server.ask<number>('count'));
  const memory = await server.ask<number>('memory');
  return [
    contender.name,
    figure(size),
    figure(all, 1),
    figure(length, 1),
    figure(memory / 1e6),
    figure(bytes === undefined || emptyBytes === undefined ? null : (bytes - emptyBytes) / size),
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
