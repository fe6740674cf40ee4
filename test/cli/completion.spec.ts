import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ROOT, resultOf, runCli } from './cli-process.js';

const OWN_PROGRAM = resolve(import.meta.dirname, 'own-program.mjs');

let folder: string;
const SORTS = ['created_at', 'last_activity', 'total_bytes_used'].flatMap((sort) => [sort, `-${sort}`]);
const FLAT = ['sessions', 'sessions-list', 'sessions-stats', 'sessions-cleanup'];

/** What shells offer after these words. */
const OFFERS: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
  [['nest-sessions', 'li'], ['list']],
  [['nest-sessions', 'sessions-'], FLAT.slice(1)],
  [['nest-sessions', 'sessions', 'fo'], ['forget-user']],
  [['nest-sessions', 'list', '--idle'], ['--idle-over']],
  [['nest-sessions', 'sessions', 'cleanup', '--dry'], ['--dry-run']],
  [['nest-sessions', 'list', '--sort', ''], SORTS],
  [['nest-sessions', 'list', '--state', 'e'], ['ended']],
  [['nest-sessions', 'users', '--sort', 'b'], ['bytes']],
  [
    ['nest-sessions', 'sessions', 'trends', '--span', ''],
    ['minute', 'hour', 'day'],
  ],
  [['nest-sessions', 'nodes', 'f'], ['forget']],
  [
    ['nest-sessions', 'completion', ''],
    ['bash', 'zsh'],
  ],
  [['nest-sessions', 'list', '--user', ''], []],
  [['nest-sessions', 'list', '--user', 'list', '--wi'], ['--wide']],
  [['nest-sessions', 'list', '--watch', '--wi'], ['--wide']],
  [['nest-sessions', 'show', ''], []],
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nest-sessions-cli-'));
  for (const shell of ['bash', 'zsh']) {
    const { code, stdout, stderr } = await runCli(['completion', shell], { storagePath: '/nowhere' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await writeFile(join(folder, shell), stdout);
  }
  await writeFile(join(folder, 'a name.har'), '{}');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function linesOf(shell: 'bash' | 'zsh', script: string): Promise<string[]> {
  const args = shell === 'bash' ? ['--norc', '-c', script] : ['-f', '-c', script];
  const child = shell === 'bash' ? spawn('bash', args, { cwd: folder }) : spawn('zsh', args, { cwd: folder });
  const { code, stdout, stderr } = await resultOf(child);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');

describe('in bash', () => {
  const offered = (words: readonly string[]): Promise<string[]> =>
    linesOf(
      'bash',
      `source ./bash; COMP_WORDS=(${quoted(words)}); COMP_CWORD=${words.length - 1}
       $(complete -p nest-sessions | sed 's/.*-F \\([^ ]*\\) .*/\\1/'); printf '%s\\n' "\${COMPREPLY[@]}"`,
    );

  it.each(OFFERS)('%j', async (words, expected) => {
    expect(await offered(words)).toEqual(expected);
  });

  it('a value after =, which is a word of its own there', async () => {
    expect(await offered(['nest-sessions', 'list', '--sort', '=', '-c'])).toEqual(['-created_at']);
    expect(await offered(['nest-sessions', 'list', '--sort', '='])).toEqual(SORTS);
  });

  it('files where a file is meant', async () => {
    expect(await offered(['nest-sessions', 'replay', 'a'])).toEqual(['a name.har']);
    expect(await offered(['nest-sessions', 'export', '--out', 'a'])).toEqual(['a name.har']);
  });
});

describe('in zsh', () => {
  // Its own functions need a terminal: these stand for them, and keep what was offered.
  const STUBS = `compdef() { function_of[$2]=$1 }; compset() { current=\${current#*=} }
    compadd() { shift; offered=($@) }; _files() { offered=(a\\ file) }; typeset -A function_of; offered=()`;
  const offered = async (words: readonly string[]): Promise<string[]> => {
    const lines = await linesOf(
      'zsh',
      `${STUBS}; source ./zsh; words=(${quoted(words)}); CURRENT=${words.length}
       $function_of[nest-sessions]; print -rl -- $offered`,
    );
    // The shell itself takes those that begin like the word.
    const typed = words.at(-1)!.replace(/^--[a-z-]+=/, '');
    return lines.filter((line) => line.startsWith(typed));
  };

  it.each(OFFERS)('%j', async (words, expected) => {
    expect(await offered(words)).toEqual(expected);
  });

  it('a value after =', async () => {
    expect(await offered(['nest-sessions', 'list', '--sort=-c'])).toEqual(['-created_at']);
  });

  it('files where a file is meant', async () => {
    expect(await offered(['nest-sessions', 'replay', 'a'])).toEqual(['a file']);
  });
});

describe('of a program of an application', () => {
  it('completes that program, with its name', async () => {
    const { code, stdout } = await runCli(['sessions', 'completion', 'bash'], {
      program: OWN_PROGRAM,
      cwd: ROOT,
      storagePath: '/nowhere',
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/\ncomplete -F _own_program own-program\n$/);
    expect(stdout).toContain(" sessions list'");
    expect(stdout).not.toContain("' list'");
  });
});
