import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './cli-process.js';
import { runInShell } from './shell.js';

const SOME_ID = '00000000-0000-4000-8000-000000000000';

describe('a wrong command line', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-cli-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const wrong: Record<string, string[]> = {
    'an unknown command': ['bogus'],
    'an unknown command with a terminal escape': ['\u001B[2J'],
    'no sub-command': ['sessions'],
    'an unknown sub-command': ['sessions', 'bogus'],
    'an unknown option': ['list', '--older-than', '5m'],
    'an unknown option of a sub-command': ['sessions', 'stats', '--foo'],
    'an unknown option with a terminal escape': ['list', '--\u001B[31m\u202E'],
    'an argument too many': ['sessions', 'list', 'foo'],
    'a limit that is no number': ['list', '--limit', 'abc'],
    'a limit below 1': ['list', '--limit', '-1'],
    'a limit of 0': ['list', '--limit', '0'],
    'a limit in another notation': ['list', '--limit', '1e3'],
    'a huge limit': ['list', '--limit', '99999999999999999999'],
    'an empty limit': ['list', '--limit='],
    'a limit without its value': ['list', '--limit'],
    'two limits': ['list', '--limit', '1', '--limit', '2'],
    'an unknown order': ['list', '--sort', 'created_at;drop'],
    'an invalid cursor': ['list', '--cursor', 'zzz'],
    'an empty user': ['list', '--user', ''],
    'a user with a line break': ['list', '--user', 'anna\nben'],
    'a user left out before another option': ['list', '--user', '--json'],
    'a cursor left out before another option': ['list', '--cursor', '--json'],
    'an unknown span': ['trends', '--span', 'week'],
    'an instant without its zone': ['trends', '--from', '2026-11-29T12:00:00'],
    'trends as JSON and CSV': ['sessions', 'trends', '--json', '--csv'],
    'no id': ['show'],
    'an empty id': ['show', ''],
    'a glob': ['show', '*'],
    quotes: ['show', `'; DROP TABLE sessions; --`],
    'an id that looks like an option': ['show', '--', `--${SOME_ID}`],
    'an id of three characters': ['show', '000'],
    'an id that no id begins with': ['timeline', '0000-'],
    'an id with a line break': ['show', `${SOME_ID}\n`],
    'an id of 128 KiB': ['show', 'a'.repeat(131_000)],
    'an unknown state': ['list', '--state', 'asleep'],
    'a network that is none': ['list', '--ip', '192.0.2.0/33'],
    'an empty address': ['list', '--ip='],
    'a share above all': ['list', '--near-limit', '101'],
    'a share of nothing': ['cleanup', '--near-limit', '0', '--yes'],
    'an idle time with a unit': ['list', '--idle-over', '5m'],
    'ended sessions by address': ['list', '--state', 'ended', '--ip', '192.0.2.7'],
    'a stream as a page': ['list', '--stream', '--json'],
    'a watch without a terminal': ['stats', '--watch'],
    'a watch of every 0 seconds': ['list', '--watch', '0', '--stream'],
    'a watch of JSON': ['users', '--watch', '--json'],
    'users by another order': ['users', '--sort', 'size'],
    'a page of users by bytes': ['users', '--cursor', 'zzz'],
    'one user in pages': ['users', 'anna', '--limit', '3'],
    'ids and a filter': ['cleanup', SOME_ID, '--user', 'anna', '--yes'],
    'a filter and a full cleanup': ['cleanup', '--user', 'anna', '--orphan-grace', '60', '--yes'],
    'a filter that matches nothing in particular': ['cleanup', '--user=', '--yes'],
    'an instant and no filter': ['cleanup', '--as-of', '2026-11-29', '--yes'],
    'an instant of no day': ['cleanup', '--user', 'anna', '--as-of', 'today', '--yes'],
    'a filter and no terminal to ask on': ['cleanup', '--ip', '192.0.2.0/24'],
    'an unknown shell': ['completion', 'fish'],
    'no shell': ['sessions', 'completion'],
    'a live session and no terminal to ask on': ['cleanup', SOME_ID],
    'an unknown action on nodes': ['nodes', 'bogus'],
    'no node to forget': ['sessions', 'nodes', 'forget', '--yes'],
    'an invalid node id': ['nodes', 'forget', 'bogus', '--yes'],
    'a node to forget and no terminal to ask on': ['nodes', 'forget', SOME_ID],
    'a node to list': ['nodes', 'list', SOME_ID],
    'an id and a grace': ['cleanup', SOME_ID, '--yes', '--orphan-grace', '60'],
    'an id and --confirm': ['cleanup', SOME_ID, '--yes', '--confirm'],
    'a grace below a minute': ['cleanup', '--orphan-grace', '59'],
    'a grace that is no number': ['cleanup', '--orphan-grace', '∞', '--force'],
    'a grace below 0': ['cleanup', '--orphan-grace', '-5', '--force'],
    '--force without a grace': ['cleanup', '--force'],
    'a timeline of no session': ['timeline'],
    'a timeline of an invalid id': ['sessions', 'timeline', 'bogus'],
    'a timeline with a limit of 0': ['timeline', SOME_ID, '--limit', '0'],
    'a timeline with an invalid cursor': ['timeline', SOME_ID, '--cursor', 'zzz'],
    'an audit from no instant': ['audit', '--from', 'yesterday'],
    'an audit to an instant without a zone': ['audit', '--to', '2026-11-29T17:30:00'],
    'an audit from after its end': ['audit', '--from', '2026-11-30', '--to', '2026-11-29'],
    'an audit with an invalid cursor': ['audit', '--cursor', 'e30'],
    'an audit of something': ['sessions', 'audit', SOME_ID],
    'no user to forget': ['forget-user'],
    'a user to forget with a line break': ['forget-user', 'anna\nben', '--yes'],
    'a user to forget and no terminal to ask on': ['forget-user', 'anna'],
  };

  const names = Object.keys(wrong);
  const half = Math.ceil(names.length / 2);
  // In parallel, since each mistake starts a process.
  it.each([
    ['the first half', names.slice(0, half)],
    ['the second half', names.slice(half)],
  ])(
    'is reported in one line, exits with 2 and opens no store: %s',
    async (_half, mistakes) => {
      for (let start = 0; start < mistakes.length; start += 3) {
        const together = mistakes.slice(start, start + 3);
        const results = await Promise.all(
          together.map((mistake) => runCli(wrong[mistake]!, { storagePath: join(folder, 'none') })),
        );
        for (const [index, { code, stdout, stderr }] of results.entries()) {
          const mistake = together[index];
          expect({ mistake, code, stdout }).toEqual({ mistake, code: 2, stdout: '' });
          expect({ mistake, stderr }).toEqual({
            mistake,
            stderr: expect.stringMatching(/^error: \P{C}+\n$/u),
          });
          expect(stderr.length).toBeLessThan(2000);
        }
      }
      expect(await readdir(folder)).toEqual([]);
    },
    120_000,
  );

  it('is reported with the names of the options', async () => {
    const { stderr } = await runCli(['list', '--limit', '0', '--user', ''], { storagePath: '/nowhere' });
    expect(stderr).toBe(
      'error: --limit must be a whole number from 1 to 1000; --user must be well-formed text of 1 to 255 characters, without control characters\n',
    );
  });

  it('without a command prints the help on stderr', async () => {
    const { code, stdout, stderr } = await runCli([], { storagePath: '/nowhere' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: nest-sessions /);
  });

  it('may be one that is not UTF-8', async () => {
    const { code, stderr } = await runInShell(`$CLI show $'\\xff\\xfe'`);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^error: a session id is a UUID.*\n$/),
    });
  });

  it('may be one with invalid settings: all faults are reported by name', async () => {
    const env = { MAX_SESSIONS: 'many', SESSION_BIND_IP: '\u001B[2J', ADMIN_TOKEN: 'short-secret' };
    const { code, stdout, stderr } = await runCli(['list'], { storagePath: folder, env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const name of Object.keys(env)) expect(stderr).toContain(name);
    expect(stderr).not.toContain('short-secret');
  });
});

describe('help and version', () => {
  it.each([
    [['--help'], /Usage: nest-sessions .*\n[^]*list[^]*show[^]*stats[^]*cleanup/],
    [['sessions', '--help'], /Usage: nest-sessions sessions .*\n[^]*list[^]*show[^]*stats[^]*cleanup/],
    [['cleanup', '--help'], /--orphan-grace[^]*--dry-run[^]*--yes/],
    [
      ['timeline', '--help'],
      /--limit[^]*--cursor[^]*--json[^]*Example:\n {2}nest-sessions timeline [0-9a-f-]{36} --limit 20/,
    ],
    [
      ['sessions', 'audit', '--help'],
      /--from[^]*--to[^]*Example:\n {2}nest-sessions sessions audit --from 2\d{3}-/,
    ],
    [['forget-user', '--help'], /--yes[^]*Example:\n {2}nest-sessions forget-user anna --yes/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('%j needs no store', async (args, expected) => {
    const { code, stdout, stderr } = await runCli(args, { storagePath: '/nowhere' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(expected);
  });

  it('each ends with an example, which the command takes', async () => {
    const { stdout } = await runCli(['--help']);
    expect(stdout).toMatch(/\nExample:\n {2}nest-sessions users --limit 10\n$/);
    const names = stdout.match(/^ {2}[a-z-]+(?= .*\[options\]| <shell>)/gm)?.map((name) => name.trim()) ?? [];
    expect(names.length).toBeGreaterThan(14);
    const helps = await Promise.all(names.map((name) => runCli([name, '--help'])));
    const examples = helps.map(({ stdout: help }) => /\nExample:\n {2}nest-sessions (.+)\n$/.exec(help)?.[1]);
    expect(examples.map((example) => example?.split(' ')[0])).toEqual(names);
    const wrong = await Promise.all(
      examples
        .map((example = '') => example.replace(/ (?:>|--watch) .*/, '').split(' '))
        .filter(([name]) => name !== 'replay')
        .map(async (args) => {
          const { code, stderr } = await runCli(args, { storagePath: '/nowhere' });
          return code === 5 || args[0] === 'completion' ? null : { args, stderr };
        }),
    );
    // They ask, and here is nobody to ask.
    const unasked = wrong.filter((one) => one !== null && !one.stderr.includes('pass --yes'));
    expect(unasked).toEqual([]);
  }, 120_000);

  it.each([
    [['list']],
    [['users']],
    [['find']],
    [['show']],
    [['stats']],
    [['cleanup']],
    [['timeline']],
    [['audit']],
    [['forget-user']],
  ])('%j takes no secret as an argument, which every user of the machine could read', async (args) => {
    const { stdout } = await runCli([...args, '--help'], { storagePath: '/nowhere' });
    expect(stdout).toContain('--json');
    expect(stdout).not.toMatch(/--\S*(token|secret|password|key|url)/i);
  });
});
