import { ENVIRONMENT } from 'nest-sessions';
import type { Chance } from '../chance.ts';
import { FRAGMENTS, mutate } from '../mutation.ts';

export interface CommandLine {
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** In a shell, with `$CLI` for the program, in place of `args`. */
  readonly script?: string;
  /** Exit codes that are right. */
  readonly exits: readonly number[];
}

const SOME_ID = '00000000-0000-4000-8000-000000000000';
const [DONE, FAILURE, USAGE, NOT_FOUND, UNREACHABLE] = [0, 1, 2, 3, 5];

/** Ways to say a command. */
const COMMANDS = ['list', 'show', 'stats', 'cleanup'].flatMap((name) => [[name], ['sessions', name]]);

const GOOD: readonly (readonly string[])[] = [
  ...COMMANDS.map((command) => [...command, '--json']),
  ['list', '--limit', '10', '--sort', '-last_activity'],
  ['list', '--user', 'someone', '--json'],
  ['show', SOME_ID, '--json'],
  ['show', SOME_ID.replace('8', 'A')],
  ['timeline', SOME_ID, '--json'],
  ['audit', '--from', '2026-11-29', '--to', '2026-11-30T12:00:00Z', '--limit', '5'],
  ['cleanup', SOME_ID, '--yes', '--json'],
  ['cleanup', '--dry-run', '--json'],
  ['cleanup', '--orphan-grace', '600'],
  ['sessions', 'stats'],
  ['--help'],
  ['--version'],
];

const NUMBERS = [
  'abc',
  '-1',
  '0',
  '1e9',
  '1e3',
  '1.5',
  '',
  ' ',
  '0x10',
  '∞',
  'NaN',
  'Infinity',
  '99999999999999999999',
  '-0',
  '+1',
  '１',
  '1\n',
  '1;ls',
  'PT5M',
  '-5m',
  '1y',
];
const IDS = [
  '',
  ' ',
  '*',
  '?',
  "'",
  '"; ls',
  '..',
  '../..',
  '/etc/passwd',
  `${SOME_ID}\n`,
  `${SOME_ID} `,
  SOME_ID.replace('8', 'G'),
  `{${SOME_ID}}`,
  'ses_',
  '\u001b[2J',
  '\u202e',
  'a'.repeat(131_000),
];

/** Command lines that are wrong, and what becomes of them. */
const WRONG: readonly (readonly string[])[] = [
  ...NUMBERS.flatMap((number) => [
    ['list', `--limit=${number}`],
    ['audit', `--limit=${number}`],
    ['audit', `--from=${number}`],
    ['cleanup', `--orphan-grace=${number === '0' ? '-1' : number}`],
  ]),
  ...IDS.flatMap((id) => [
    ['show', id],
    ['timeline', id],
    ['cleanup', id, '--yes'],
  ]),
  ...[
    'bogus',
    'LIST',
    'list ',
    '',
    '-',
    '--',
    '---',
    '-x',
    '--json',
    '--older-than',
    '\u001b[31m',
    '__proto__',
    'constructor',
    'toString',
    'help me',
  ].map((word) => [word]),
  ...['bogus', '', '__proto__', '--foo', '-h-'].map((word) => ['sessions', word]),
  ...['--limit', '--sort', '--cursor', '--user'].flatMap((flag) => [
    ['list', flag],
    ['list', flag, '1', flag, '2'],
    ['list', `${flag}=`],
  ]),
  ...['zzz', 'e30', '====', '\0'.slice(1), 'a'.repeat(1000), '-'].map((cursor) => [
    'list',
    `--cursor=${cursor}`,
  ]),
  ...['yesterday', '2026-02-30', '2026-11-29T17:30:00', '__proto__'].map((to) => ['audit', `--to=${to}`]),
  ...['created_at;drop', 'CREATED_AT', '', 'id', '--', '__proto__'].map((sort) => ['list', `--sort=${sort}`]),
  ['show'],
  ['show', SOME_ID, SOME_ID],
  ['show', '--', `--${SOME_ID}`],
  ['stats', 'extra'],
  ['cleanup', SOME_ID],
  ['cleanup', SOME_ID, '--yes', '--orphan-grace', '60'],
  ['cleanup', SOME_ID, '--yes', '--confirm'],
  ['cleanup', '--force'],
  ['cleanup', '--orphan-grace', '10'],
  ['list', '--dry-run'],
  ['list', '--user', '--json'],
  ['list', 'extra', '--json'],
  ['timeline'],
  ['timeline', SOME_ID, SOME_ID],
  ['audit', SOME_ID],
  ['forget-user', ''],
  ['forget-user', 'anna\nben', '--yes'],
  ['forget-user', 'anna'],
];

const SCRIPTS: readonly (readonly [script: string, ...exits: number[]])[] = [
  [`$CLI list --limit 1000 | head -1; exit \${PIPESTATUS[0]}`, DONE],
  [`$CLI list --json | head -c 1; exit \${PIPESTATUS[0]}`, DONE],
  ['$CLI list --limit 1000 >/dev/full', DONE, FAILURE],
  ['$CLI stats >/dev/full', FAILURE],
  ['$CLI stats >&-', DONE, FAILURE],
  ['$CLI stats 2>&-', DONE],
  ['$CLI stats <&-', DONE],
  ['$CLI cleanup --dry-run <&- 2>&- >/dev/null', DONE],
  [`$CLI show $'\\xff\\xfe'`, USAGE],
  [`$CLI list --user $'\\xff\\xc0'`, DONE, USAGE],
  [`$CLI list --cursor $'\\xed\\xa0\\x80'`, USAGE],
  [`echo y | $CLI cleanup ${SOME_ID}`, USAGE],
  ['LC_ALL=C LANG=C $CLI list', DONE],
  ['COLUMNS=0 LINES=0 TERM=dumb $CLI list', DONE],
  ['FORCE_COLOR=3 COLUMNS=-1 $CLI stats --json', DONE],
  ['cd /; $CLI stats', DONE],
  ['$CLI list & $CLI stats & wait', DONE],
  ['$CLI cleanup & $CLI cleanup; wait', DONE],
  ['timeout -s INT 0.4 $CLI cleanup; code=$?; [ $code = 124 ] && exit 0 || exit $code', DONE, 130],
  ['timeout -s TERM 0.3 $CLI list; code=$?; [ $code = 124 ] && exit 0 || exit $code', DONE, 143],
  ['timeout -s KILL 0.3 $CLI cleanup; exit 0', DONE],
  ['env -i $CLI --version', DONE],
  ['SESSION_STORAGE_PATH=/nowhere $CLI list', UNREACHABLE],
  ['SESSION_STORAGE_PATH=/dev/null $CLI list', UNREACHABLE],
  ['SESSION_STORAGE_PATH=/proc $CLI list', UNREACHABLE],
  ['SESSION_STORE=memory $CLI list', UNREACHABLE],
  [`SESSION_STORAGE_PATH="$(printf 'a%.0s' {1..5000})" $CLI list`, UNREACHABLE],
];

export const SETTING_VALUES = [
  '',
  ' ',
  'null',
  'NaN',
  'undefined',
  '15m',
  '-1',
  '0',
  '1.5',
  '1e3',
  '0x10',
  '2147483648',
  '99999999999999999999',
  'Infinity',
  'true',
  '[]',
  '{}',
  'a'.repeat(300),
  'a'.repeat(40),
  '\u001b[2J',
  '\u202e',
  "';--",
  'http://[',
  ',,,',
  '../..',
  '/dev/null',
  '\n',
  'a\nb',
  '__proto__',
];

/** Each hand-written one once, then such as chance makes of the good ones. Never ends. */
export function* commandLines(chance: Chance): Generator<CommandLine> {
  for (const args of GOOD)
    yield { args, exits: args.includes('show') || args.includes(SOME_ID) ? [USAGE, NOT_FOUND] : [DONE] };
  for (const args of WRONG) yield { args, exits: [USAGE] };
  for (const [script, ...exits] of SCRIPTS) yield { args: [], script, exits };
  for (const name of Object.values(ENVIRONMENT)) yield withSetting(name, chance.pick(SETTING_VALUES));
  for (;;) {
    const args = chance.pick(GOOD).flatMap((arg) => mutatedArgument(arg, chance).map(sayable));
    if (chance.oneIn(6))
      yield {
        ...withSetting(chance.pick(Object.values(ENVIRONMENT)), mutate(chance.pick(SETTING_VALUES), chance)),
        args,
      };
    else yield { args, exits: [DONE, USAGE, NOT_FOUND] };
  }
}

function withSetting(name: string, value: string): CommandLine {
  return {
    args: ['stats'],
    environment: { [name]: sayable(value) },
    exits: [DONE, USAGE, NOT_FOUND, UNREACHABLE],
  };
}

function mutatedArgument(arg: string, chance: Chance): string[] {
  if (chance.oneIn(8)) return [];
  if (chance.oneIn(8)) return [arg, chance.pick(FRAGMENTS)];
  return [chance.oneIn(2) ? mutate(arg, chance) : arg];
}

/** No operating system hands on an argument with a NUL. */
function sayable(text: string): string {
  return text.replaceAll('\0', '');
}
