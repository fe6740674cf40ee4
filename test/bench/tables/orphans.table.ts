import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../harness/command.ts';
import { goal } from '../harness/goal.ts';
import type { LoopDelay } from '../harness/loop-watch.ts';
import { Program } from '../harness/program.ts';
import { say } from '../harness/progress.ts';
import { scratchFolder } from '../harness/scratch.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import type { Scope } from '../tables.ts';

const FILES = 100;
const MOST_OF_FIND = 2;
const MOST_LOOP_MS = 10;
/** Of what the process took before: flat. */
const MOST_GROWTH = 1.1;

interface Sweep {
  readonly ms: number;
  readonly loop: LoopDelay;
  readonly memoryBefore: number;
  readonly memory: number;
  readonly files: number;
}

/** 5. A sweep for orphans where there are none: every file is looked at, and looked up. */
export async function measureOrphans({ short }: Scope): Promise<Table[]> {
  const [sessions, rounds] = short ? [200, 2] : [10_000, 3];
  const scratch = scratchFolder();
  const folder = join(scratch.path, 'storage');
  mkdirSync(folder, { mode: 0o700 });
  const program = await Program.start('files.program.ts', { folder });
  const [names, ages, sweeps]: [number[], number[], Sweep[]] = [[], [], []];
  try {
    say(`${sessions} sessions with ${FILES} files each`);
    await program.ask('add', sessions, FILES, 0);
    const tree = join(folder, 's');
    runCommand('find', [tree, '-mmin', '+10']);
    for (let round = 0; round < rounds; round += 1) {
      say(`round ${round + 1} of ${rounds}`);
      names.push(runCommand('find', [tree, '-type', 'f']).ms);
      ages.push(runCommand('find', [tree, '-type', 'f', '-mmin', '+10']).ms);
      sweeps.push(await program.ask<Sweep>('sweep'));
    }
  } finally {
    await program.stop();
    scratch.remove();
  }
  const [namesMs, agesMs, ownMs] = [median(names), median(ages), median(sweeps.map(({ ms }) => ms))];
  const p99Ms = median(sweeps.map(({ loop }) => loop.p99Ms));
  const growth = median(sweeps.map(({ memory, memoryBefore }) => memory / memoryBefore));
  const rate = (ms: number): string => figure(((sessions * FILES) / ms) * 1000);
  return [
    {
      title: 'A sweep for orphans',
      columns: [
        '',
        'ms',
        'files/s',
        'times find',
        'times find -mmin',
        'loop p99 ms',
        'loop max ms',
        'MB before',
        'MB most',
      ],
      rows: [
        ['find -type f', figure(namesMs), rate(namesMs), '', '', '', '', '', ''],
        ['find -type f -mmin +10', figure(agesMs), rate(agesMs), '', '', '', '', '', ''],
        [
          'nest-sessions, SQLite',
          figure(ownMs),
          rate(ownMs),
          figure(ownMs / namesMs, 1),
          figure(ownMs / agesMs, 1),
          figure(p99Ms, 2),
          figure(median(sweeps.map(({ loop }) => loop.maxMs)), 2),
          figure(median(sweeps.map(({ memoryBefore }) => memoryBefore)) / 1e6),
          figure(median(sweeps.map(({ memory }) => memory)) / 1e6),
        ],
      ],
      notes: [
        goal('time', ownMs / namesMs, MOST_OF_FIND, { unit: 'times find', digits: 2 }),
        goal('event loop, p99', p99Ms, MOST_LOOP_MS, { unit: 'ms' }),
        goal('memory', growth, MOST_GROWTH, { unit: 'times that before the sweep', digits: 2 }),
        `${figure(sweeps[0]?.files ?? Number.NaN)} files in ${figure(sessions)} session folders, all known to the store, in the page cache; ${rounds} rounds, in turns; medians.`,
        'find -type f reads names alone; with -mmin it looks at each file, as a sweep must, which also asks the store for each.',
      ],
    },
  ];
}
