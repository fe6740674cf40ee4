import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand, type Ran } from '../harness/command.ts';
import { versionOf } from '../harness/machine.ts';
import { Program } from '../harness/program.ts';
import { goal } from '../harness/goal.ts';
import { say } from '../harness/progress.ts';
import { scratchFolder } from '../harness/scratch.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import type { Scope } from '../tables.ts';

const SESSIONS = 100;
const MOST_MS = 350;
/** Or so many times what Node with Nest takes, where that is more. */
const MOST_TIMES = 1.5;

const require = createRequire(import.meta.url);
const program = join(dirname(require.resolve('nest-sessions/package.json')), 'dist/program/bin.js');
const nestCore = pathToFileURL(require.resolve('@nestjs/core')).href;

/** 7. Whole processes, from the start to the exit. */
export async function measureCli({ short }: Scope): Promise<Table[]> {
  const rounds = short ? 3 : 21;
  const scratch = scratchFolder();
  const folder = join(scratch.path, 'storage');
  mkdirSync(folder, { mode: 0o700 });
  const server = await Program.start('files.program.ts', { folder });
  const env = { SESSION_STORAGE_PATH: folder };
  const commands: readonly (readonly [string, readonly string[]])[] = [
    ['node -e 0', ['-e', '0']],
    ['node, import of @nestjs/core', ['--input-type=module', '-e', `import ${JSON.stringify(nestCore)}`]],
    ['nest-sessions stats --json', [program, 'sessions', 'stats', '--json']],
    ['nest-sessions --help', [program, '--help']],
  ];
  const ran = new Map<string, Ran[]>(commands.map(([name]) => [name, []]));
  try {
    await server.ask('add', SESSIONS, 1, 4096);
    for (let round = 0; round < rounds; round += 1) {
      say(`round ${round + 1} of ${rounds}`);
      for (const [name, args] of commands) ran.get(name)?.push(runCommand(process.execPath, args, env));
    }
  } finally {
    await server.stop();
    scratch.remove();
  }
  const bareMs = medianOf(ran, 'node, import of @nestjs/core', 'ms');
  const atMost = Math.max(MOST_MS, MOST_TIMES * bareMs);
  return [
    {
      title: 'Commands',
      columns: ['', 'ms', 'CPU ms', 'times node with @nestjs/core'],
      rows: commands.map(([name]) => [
        name,
        figure(medianOf(ran, name, 'ms')),
        figure(medianOf(ran, name, 'cpuMs')),
        figure(medianOf(ran, name, 'ms') / bareMs, 2),
      ]),
      notes: [
        ...commands
          .slice(2)
          .map(([name]) => goal(name, medianOf(ran, name, 'ms'), atMost, { unit: 'ms', digits: 0 })),
        `${versionOf('nest-sessions')}, ${versionOf('@nestjs/core')}. Whole processes, from the start to the exit, beside a running server with ${SESSIONS} sessions; files in the page cache, no compile cache; ${rounds} rounds, in turns; medians.`,
      ],
    },
  ];
}

function medianOf(ran: ReadonlyMap<string, readonly Ran[]>, name: string, what: keyof Ran): number {
  return median((ran.get(name) ?? []).map((one) => one[what]));
}
