import { setTimeout as wait } from 'node:timers/promises';
import { Arena, type Fighter } from '../harness/arena.ts';
import { goal } from '../harness/goal.ts';
import { CLIENT_CORE } from '../harness/machine.ts';
import { Program } from '../harness/program.ts';
import { say } from '../harness/progress.ts';
import { RedisServer } from '../harness/redis.ts';
import { median, quantile } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import { contenderNamed, REDIS_ADMIN, SQLITE_ADMIN } from '../servers/contenders.ts';
import { ADAPTERS, type AdapterName } from '../servers/server.ts';
import type { Scope } from '../tables.ts';

const PAGES = 4;
const CONNECTIONS = 4;
const WARM_CONNECTIONS = 16;
const SESSIONS = 1000;
const RESOURCES = 100;
const ROUND_MS = 5000;
/** What requests of cached sessions may wait beside the pages, and what the pages may need. */
const MOST_P99_MS = 50;
const MOST_MS = 200;
const MOST_MEBIBYTES = 64;
const MEBIBYTE = 1024 * 1024;
const SAMPLE_MS = 100;

interface Watched {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  readonly mostBytes: number;
}

interface Compared {
  readonly alone: Watched;
  /** One of each round. */
  readonly beside: readonly Watched[];
  /** Milliseconds of each page. */
  readonly pages: readonly number[];
}

/** 3b. What requests wait beside operators who read the largest pages. */
export async function measurePages({ short }: Scope): Promise<Table[]> {
  const rounds = short ? 1 : 3;
  const [rows, goals]: [string[][], string[]] = [[], []];
  for (const contender of [SQLITE_ADMIN, REDIS_ADMIN]) {
    if (contender === REDIS_ADMIN && !RedisServer.isInstalled()) continue;
    for (const adapter of ADAPTERS) {
      const name = `${contender}, ${adapter}`;
      say(`${name}: ${SESSIONS} sessions with ${RESOURCES} resources each`);
      const { alone, beside, pages } = await compare(contender, adapter, rounds);
      const all = joined(beside);
      const growth = (all.mostBytes - alone.mostBytes) / MEBIBYTE;
      rows.push([`${name}, no page`, ...figuresOf(alone), '', '']);
      rows.push([`${name}, ${PAGES} pages`, ...figuresOf(all), figure(median(pages)), figure(growth)]);
      goals.push(
        goal(`${name}, p99`, all.p99Ms, MOST_P99_MS, { unit: 'ms' }),
        goal(`${name}, longest`, all.mostMs, MOST_MS, { unit: 'ms' }),
        goal(`${name}, memory`, growth, MOST_MEBIBYTES, { unit: 'MiB more', digits: 0 }),
      );
    }
  }
  return [
    {
      title: 'Requests beside large pages',
      columns: ['', 'requests/s', 'p99 ms', 'longest ms', 'a page ms', 'memory, MiB more'],
      rows,
      notes: [
        ...goals,
        `${SESSIONS} sessions with ${RESOURCES} resources each. ${CONNECTIONS} connections send requests of cached sessions, beside them ${PAGES} read GET /admin/sessions again and again. ${rounds} rounds of ${ROUND_MS / 1000} s: median rate and p99, the longest of all.`,
        `Memory: the resident set of the server at its highest, beside its highest without pages. A round with ${WARM_CONNECTIONS} connections came before both.`,
      ],
    },
  ];
}

/** Another process opened the sessions, and stopped: what that took is not in the memory of this one. */
async function compare(contender: string, adapter: AdapterName, rounds: number): Promise<Compared> {
  const arena = await Arena.open();
  const operators = await Program.start('pages.program.ts', null, { core: CLIENT_CORE });
  try {
    const opener = await arena.admit(contenderNamed(contender), adapter);
    const cookies = await opener.server.ask<string[]>('seedPage', SESSIONS, RESOURCES);
    const fighter = await arena.replace(opener);
    await underLoad(arena, fighter, cookies, WARM_CONNECTIONS);
    const alone = await underLoad(arena, fighter, cookies, CONNECTIONS);
    const beside: Watched[] = [];
    await operators.ask('begin', fighter.port, PAGES);
    while (beside.length < rounds) beside.push(await underLoad(arena, fighter, cookies, CONNECTIONS));
    return { alone, beside, pages: await operators.ask<number[]>('end') };
  } finally {
    await operators.stop();
    await arena.close();
  }
}

/** One round of requests; the memory of the server is looked at all the while. */
async function underLoad(
  arena: Arena,
  { server, port }: Fighter,
  cookies: readonly string[],
  connections: number,
): Promise<Watched> {
  let mostBytes = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      mostBytes = Math.max(mostBytes, await server.ask<number>('memory'));
      await wait(SAMPLE_MS);
    }
  })();
  const startedAt = performance.now();
  const latencies = await arena.client.ask<number[]>('runFor', port, cookies, ROUND_MS, connections);
  const ms = performance.now() - startedAt;
  isOver = true;
  await watching;
  return {
    perSecond: (latencies.length / ms) * 1000,
    p99Ms: quantile(latencies, 0.99),
    mostMs: latencies.reduce((most, latency) => Math.max(most, latency), 0),
    mostBytes,
  };
}

function joined(rounds: readonly Watched[]): Watched {
  return {
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    mostMs: Math.max(...rounds.map(({ mostMs }) => mostMs)),
    mostBytes: Math.max(...rounds.map(({ mostBytes }) => mostBytes)),
  };
}

function figuresOf({ perSecond, p99Ms, mostMs }: Watched): string[] {
  return [figure(perSecond), figure(p99Ms, 1), figure(mostMs, 1)];
}
