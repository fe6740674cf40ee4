import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from 'nest-sessions';
import { OPTIONS } from '#sessions/core/config/options';
import { runCli } from '../cli/cli-process.js';
import { blocksOf, proseOf, readPage, readPages, ROOT } from './pages.js';

const pages = [...readPages(), readPage('CONTRIBUTING.md'), readPage('libs/sessions/src/stores/README.md')];
const shellLines = pages.flatMap((page) =>
  blocksOf(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .map((line) => line.replace(/(^|\s)#.*/, '').trim()),
);
const quoted = pages.flatMap((page) =>
  [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text),
);

/** Variables that others than the library read: its reference app, Node, Flask. */
const OTHER_VARIABLES = [
  'HTTP_ADAPTER',
  'TRUST_PROXY',
  'DEMO_USERS',
  'NEST_LOG_LEVEL',
  'LOG_FORMAT',
  'SESSION_LOG',
  'NO_COLOR',
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'SECRET_KEY',
  'PERMANENT_SESSION_LIFETIME',
];
const TOKENS = ['SESSIONS_CONFIG'];

describe('What the pages name', () => {
  it('are environment variables and error codes that exist', () => {
    const variables = [...OPTIONS.values()].flatMap(({ environment, fileEnvironment = environment }) => [
      environment,
      fileEnvironment,
    ]);
    const known = new Set<string>([...variables, ...ERROR_CODES, ...OTHER_VARIABLES, ...TOKENS]);
    const named = [
      ...quoted.flatMap((text) => /^([A-Z]+(?:_[A-Z]+)+)(?:=|$)/.exec(text)?.[1] ?? []),
      ...shellLines.flatMap((line) =>
        [...line.matchAll(/(?:^|\s)([A-Z_]+)=|\$\{?([A-Z_]+)/g)].map((match) => match[1] ?? match[2] ?? ''),
      ),
    ];
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it('are npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...shellLines, ...quoted].flatMap(
      (text) => /^npm (?:run )?(?:-s )?([a-z:]+)/.exec(text)?.[1] ?? [],
    );
    const ofNpm = new Set(['install', 'uninstall', 'ci']);
    expect(named).toEqual(expect.arrayContaining(['start', 'test', 'demo', 'torture', 'bench', 'cli']));
    expect(named.filter((name) => !(name in scripts) && !ofNpm.has(name))).toEqual([]);
  });

  it('are commands and flags that the program has', async () => {
    const named = [...shellLines, ...quoted].flatMap(
      (text) =>
        /^(?:(?:npx )?nest-sessions|npm run (?:-s )?cli --) (.+)|^(sessions[ -].+)/.exec(text)?.slice(1) ??
        [],
    );
    const lines = [...new Set(named.filter((line) => line !== undefined))];
    expect(lines.length).toBeGreaterThan(15);
    const failures = await Promise.all(lines.map(async (line) => [line, await faultOf(line)] as const));
    expect(failures.filter(([, fault]) => fault !== null)).toEqual([]);
    expect(await faultOf('sessions-vanish')).not.toBeNull();
    expect(await faultOf('cleanup --vanish')).not.toBeNull();
  }, 120_000);

  it('are flags of some command', async () => {
    const { stdout: help } = await runCli(['--help']);
    const listed = help.slice(help.indexOf('Commands:')).match(/^ {2}[a-z-]+(?= )/gm) ?? [];
    const commands = listed.map((name) => name.trim()).filter((name) => !/^(?:help$|sessions)/.test(name));
    expect(commands).toEqual(expect.arrayContaining(['list', 'cleanup', 'users']));
    const helps = await Promise.all(commands.map((command) => runCli([command, '--help'])));
    const known = new Set(helps.flatMap(({ stdout }) => stdout.match(/--[a-z-]+/g) ?? []));
    const named = quoted.flatMap((text) => /^--[a-z-]+/.exec(text)?.[0] ?? []);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  }, 120_000);

  it('are metrics that there are', () => {
    const folder = join(ROOT, 'libs/sessions/dist/metrics');
    const source = globSync('*.js', { cwd: folder })
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
    const named = quoted.filter((text) => text.startsWith('nest_sessions_'));
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => !new RegExp(`'(nest_sessions_)?${name.slice(14)}'`).test(source))).toEqual(
      [],
    );
  });

  it('are shell commands that a shell can read', () => {
    const blocks = pages.flatMap((page) => blocksOf(page).filter(({ language }) => language === 'sh'));
    const faults = blocks.map(
      ({ text }) => spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' }).stderr,
    );
    expect(faults.filter((fault) => fault !== '')).toEqual([]);
  });
});

/** What `--help` lacks of a command line: the command itself, or one of its flags. */
async function faultOf(line: string): Promise<string | null> {
  const words = line.split(/[\s=]+/).filter((word) => word !== '|');
  const commands = words.filter((word) => /^[a-z][a-z-]*$/.test(word));
  const isNested = commands[0] === 'sessions';
  const command = commands.slice(0, isNested ? 2 : 1);
  const { code, stdout, stderr } = await runCli([...command, '--help']);
  if (code !== 0 || !stdout.includes(`nest-sessions ${command.join(' ')}`)) return stderr || stdout;
  const missing = words.filter((word) => word.startsWith('--') && !stdout.includes(word));
  return missing.length > 0 ? `no ${missing.join(', ')}` : null;
}
