import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../harness/command.ts';
import { atLeast, goal } from '../harness/goal.ts';
import type { LoopDelay } from '../harness/loop-watch.ts';
import { Program } from '../harness/program.ts';
import { say } from '../harness/progress.ts';
import { scratchFolder } from '../harness/scratch.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import type { Scope } from '../tables.ts';

const FILES = 100;
const BYTES = 4096;
const LEAST_OF_RM = 0.8;
const MOST_LOOP_MS = 10;

interface Deletion {
  readonly endedMs: number;
  readonly ms: number;
  readonly loop: LoopDelay;
}

/** 4. Ended sessions, from the first end to the empty trash. */
export async function measureDeleting({ short }: Scope): Promise<Table[]> {
  const [sessions, rounds] = short ? [100, 2] : [1000, 5];
  const scratch = scratchFolder();
  const folder = join(scratch.path, 'storage');
  mkdirSync(folder, { mode: 0o700 });
  const program = await Program.start('files.program.ts', { folder });
  const [own, peer]: [Deletion[], number[]] = [[], []];
  try {
    for (let round = 0; round < rounds; round += 1) {
      say(`round ${round + 1} of ${rounds}: ${sessions} sessions with ${FILES} files each`);
      await program.ask('add', sessions, FILES, BYTES);
      const copy = join(scratch.path, 'copy');
      runCommand('cp', ['-a', join(folder, 's'), copy]);
      runCommand('sync', []);
      const removeCopy = (): unknown => peer.push(runCommand('rm', ['-rf', copy]).ms);
      if (round % 2 === 0) removeCopy();
      own.push(await program.ask<Deletion>('endAll'));
      if (round % 2 === 1) removeCopy();
    }
  } finally {
    await program.stop();
    scratch.remove();
  }
  const [ownMs, peerMs] = [median(own.map(({ ms }) => ms)), median(peer)];
  const p99Ms = median(own.map(({ loop }) => loop.p99Ms));
  const rate = (ms: number): string => figure(((sessions * FILES) / ms) * 1000);
  return [
    {
      title: 'Deleting what ended sessions leave',
      columns: ['', 'files/s', 'of rm -rf', 'until ended ms', 'until gone ms', 'loop p99 ms', 'loop max ms'],
      rows: [
        ['rm -rf', rate(peerMs), '', '', figure(peerMs), '', ''],
        [
          'nest-sessions, SQLite',
          rate(ownMs),
          figure(peerMs / ownMs, 2),
          figure(median(own.map(({ endedMs }) => endedMs))),
          figure(ownMs),
          figure(p99Ms, 2),
          figure(median(own.map(({ loop }) => loop.maxMs)), 2),
        ],
      ],
      notes: [
        atLeast('files per second', peerMs / ownMs, LEAST_OF_RM, { unit: 'of rm -rf', digits: 2 }),
        goal('event loop, p99', p99Ms, MOST_LOOP_MS, { unit: 'ms' }),
        `${sessions} sessions with ${FILES} files of ${BYTES} bytes each, ${rounds} rounds, in turns; medians. rm -rf: of a copy of the same tree.`,
        'What a crash can lose: nothing; an end is on the disk before its files go, and what is left of them goes with the next cleanup.',
      ],
    },
  ];
}
