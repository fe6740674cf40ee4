import { setTimeout as wait } from 'node:timers/promises';
import { Arena } from '../harness/arena.ts';
import { goal } from '../harness/goal.ts';
import type { LoopDelay } from '../harness/loop-watch.ts';
import { say } from '../harness/progress.ts';
import { RedisServer } from '../harness/redis.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import { contenderNamed, REDIS, SQLITE } from '../servers/contenders.ts';
import { LOSSES } from '../servers/losses.ts';
import type { Scope } from '../tables.ts';

/** Activity is written once a second: two of them hold one flush for certain. */
const WATCHED_MS = 2000;
const MOST_MS = 5;

interface Watched {
  readonly loop: LoopDelay;
  readonly cpuMs: number;
}

/** 1b. How long the flush of activity, once a second, holds the event loop. */
export async function measureFlush({ short }: Scope): Promise<Table[]> {
  const [sessions, rounds] = short ? [1000, 2] : [10_000, 15];
  const [rows, goals]: [string[][], string[]] = [[], []];
  for (const name of [SQLITE, REDIS]) {
    if (name === REDIS && !RedisServer.isInstalled()) continue;
    say(`${name}: ${sessions} active sessions`);
    const { idle, flushing } = await watch(name, sessions, rounds);
    for (const [what, watched] of [
      ['nothing to write', idle],
      [`${figure(sessions)} sessions active`, flushing],
    ] as const) {
      rows.push([`${name}, ${what}`, ...figuresOf(watched)]);
    }
    const longest = median(flushing.map(({ loop }) => loop.maxMs));
    goals.push(goal(`${name}, longest`, longest, MOST_MS, { unit: 'ms' }));
  }
  return [
    {
      title: 'Writing down activity',
      columns: ['', 'loop held, p99 ms', 'longest ms', 'longest of all ms', 'CPU ms'],
      rows,
      notes: [
        ...goals,
        `${rounds} rounds of ${WATCHED_MS} ms; medians, and the longest of all rounds. Express, no requests beside it; delay of the event loop, sampled each millisecond.`,
        ...LOSSES,
      ],
    },
  ];
}

async function watch(name: string, sessions: number, rounds: number) {
  const arena = await Arena.open();
  try {
    const { server } = await arena.admit(contenderNamed(name), 'express');
    await server.ask('seed', sessions, 1);
    const watched = async (): Promise<Watched> => {
      const before = await server.ask<number>('cpu');
      await server.ask('watchLoop');
      await wait(WATCHED_MS);
      const loop = await server.ask<LoopDelay>('loopDelay');
      return { loop, cpuMs: ((await server.ask<number>('cpu')) - before) / 1000 };
    };
    const [idle, flushing]: [Watched[], Watched[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      idle.push(await watched());
      await server.ask('touchAll');
      flushing.push(await watched());
    }
    return { idle, flushing };
  } finally {
    await arena.close();
  }
}

function figuresOf(watched: readonly Watched[]): string[] {
  const longest = watched.map(({ loop }) => loop.maxMs);
  return [
    figure(median(watched.map(({ loop }) => loop.p99Ms)), 1),
    figure(median(longest), 1),
    figure(Math.max(...longest), 1),
    figure(median(watched.map(({ cpuMs }) => cpuMs))),
  ];
}
