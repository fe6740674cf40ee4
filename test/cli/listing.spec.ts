import type { Session } from 'nest-sessions';
import type { SessionList } from '../admin/admin-client.js';
import { BIN, runCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';
import { runInShell } from './shell.js';

const LONG_USER = `o'neil, "the long" ${'x'.repeat(60)}`;
const LONG_ADDRESS = '2001:db8:1111:2222:3333:4444:5555:6666';

let server: Server;
let anna: Session;
let ben: Session;
let longest: Session;
const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });
const shell = (script: string): Promise<CliResult> => runInShell(script, { storagePath: server.storagePath });
const rowsOf = ({ stdout }: CliResult): string[] => stdout.trimEnd().split('\n').slice(1);
const startsOf = (sessions: readonly Session[]): string[] => sessions.map(({ id }) => id.slice(0, 8));

async function idsOf(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await run('list', ...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return (JSON.parse(stdout) as SessionList).sessions.map(({ session_id: id }) => id);
}

beforeAll(async () => {
  server = await Server.start();
  anna = await server.open({ userId: 'anna' });
  ben = await server.open({ userId: 'ben', ipAddress: '198.51.100.9' });
  longest = await server.open({ userId: LONG_USER, ipAddress: LONG_ADDRESS });
  await server.addFile(anna, 50_000_000);
  await server.addFile(ben, 2000);
});
afterAll(() => server.close());

describe('list', () => {
  it('fits 80 columns, with the beginnings of ids and the share of the limit', async () => {
    const listed = await run('list');
    expect(listed.code).toBe(0);
    expect(listed.stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
    expect(rowsOf(listed).map((row) => row.slice(0, 8))).toEqual(startsOf([anna, ben, longest]));
    expect(rowsOf(listed).map((row) => row.trim().split(/ {2,}/).at(-1))).toEqual(['47 %', '1 %', '0 %']);
    expect(rowsOf(listed)[2]).toMatch(/ {2}o'neil.*… {2}2001:db8:.*… {2}/);
  });

  it('with --wide cuts nothing', async () => {
    const { stdout } = await run('list', '--wide');
    for (const text of [anna.id, ben.id, LONG_USER, LONG_ADDRESS]) expect(stdout).toContain(text);
  });

  it.each([
    ['--user', 'anna', () => [anna]],
    ['--ip', '198.51.100.0/24', () => [ben]],
    ['--ip', LONG_ADDRESS, () => [longest]],
    ['--bytes-over', '1999', () => [anna, ben]],
    ['--bytes-over', '2000', () => [anna]],
    ['--near-limit', '47', () => [anna]],
    ['--near-limit', '48', () => []],
    ['--idle-over', '3600', () => []],
    ['--idle-over', '0', () => [anna, ben, longest]],
    ['--sort', '-total_bytes_used', () => [anna, ben, longest]],
    ['--sort', 'total_bytes_used', () => [longest, ben, anna]],
  ] as const)('%s %s', async (flag, value, expected) => {
    const ids = expected().map(({ id }: Session) => id);
    expect(await idsOf(`${flag}=${value}`)).toEqual(ids);
  });

  it('tells the command line of the next page, with all that was given, quoted for a shell', async () => {
    const third = await server.open({ userId: LONG_USER });
    const first = await run('sessions', 'list', '--sort=-created_at', '--user', LONG_USER, '--limit=1');
    expect(rowsOf(first)[0]?.slice(0, 8)).toBe(third.id.slice(0, 8));
    const [, line = ''] = /^More: nest-(sessions sessions list .*)$/m.exec(first.stderr) ?? [];
    expect(line).toMatch(/ --limit 1 --cursor [\w-]+$/);
    const next = await shell(line.replace('sessions', `${process.execPath} ${BIN}`));
    expect(next.code).toBe(0);
    expect(rowsOf(next)[0]?.slice(0, 8)).toBe(longest.id.slice(0, 8));
    expect(next.stderr).not.toContain('More:');
    await server.admin.cleanup(third.id);
  });

  it('--state ended lists those that are over, with how and by whom', async () => {
    const over = await server.open({ userId: 'carol' });
    await server.addFile(over, 3000);
    await server.admin.cleanup(over.id);
    const listed = await run('list', '--state', 'ended', '--user', 'carol');
    expect(listed.stderr).toBe('1 ended session\n');
    expect(listed.stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
    expect(rowsOf(listed)[0]).toMatch(
      new RegExp(`^${over.id.slice(0, 8)}  admin +\\d+s ago +\\d+s +\\d+ +1 +3 kB +admin [0-9a-f]{8}$`),
    );
    const all = await run('list', '--state', 'ended', '--stream');
    const lines = all.stdout.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { session_id: string }).session_id)).toContain(over.id);
  });
});

describe('the beginning of an id', () => {
  it.each([['show'], ['timeline'], ['cleanup --dry-run']])('%s takes it', async (command) => {
    const whole = await run(...command.split(' '), ben.id);
    const start = await run(...command.split(' '), ben.id.slice(0, 8));
    expect(start.code).toBe(0);
    expect(start.stdout.split('\n')[0]).toBe(whole.stdout.split('\n')[0]);
    expect((await run(...command.split(' '), ben.id.slice(0, 8).toUpperCase())).code).toBe(0);
  });

  it('that several have exits with 2, and lists them; that none has exits with 3', async () => {
    const { ids } = await plantAlike();
    const { code, stdout, stderr } = await run('show', 'feed');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(`error: several sessions have an id that begins with feed: ${ids.join(', ')}\n`);
    expect((await run('show', ids[0]!.slice(0, 13))).code).toBe(0);
    // Two that share eight characters are told apart in the list.
    const rows = rowsOf(await run('list', '--ip', '203.0.113.1'));
    expect(rows.map((row) => row.split(' ')[0])).toEqual(['feedfeed-0', 'feedfeed-1']);
    const none = await run('timeline', 'dead');
    expect(none).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: no session has this id, or it ended too long ago\n',
    });
  });
});

async function plantAlike(): Promise<{ readonly ids: readonly string[] }> {
  const ids = ['feedfeed-0000-4000-8000-000000000001', 'feedfeed-1000-4000-8000-000000000002'];
  const now = Date.now();
  const session = {
    ipAddress: '203.0.113.1',
    userAgent: 'alike',
    expiresAt: now + 3_600_000,
    idleMs: 900_000,
  };
  for (const [index, id] of ids.entries()) {
    const tokenHash = `_u${String(index).repeat(41)}`;
    const limits = { maxSessions: 100, network: null };
    const opened = await server.store.sessions.open(
      { ...session, id, tokenHash, createdAt: now + index },
      limits,
    );
    expect(opened).toBe('opened');
  }
  return { ids };
}

describe('--stream', () => {
  it('prints a line of JSON for each session, over all pages', async () => {
    const { code, stdout, stderr } = await run('list', '--stream', '--user', 'anna');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([{ session_id: anna.id, share_of_limit: 47, resources: [{}] }]);
  });

  it('ends quietly when the reader has enough', async () => {
    const { code, stdout, stderr } = await shell('set -o pipefail; $CLI list --stream --watch 1 | head -1');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\{"session_id":"[^\n]+\}\n$/);
  });

  it('of an audit and of a timeline', async () => {
    const audit = await run('audit', '--stream');
    const deeds = audit.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { deed: string });
    expect(deeds.some(({ deed }) => deed === 'end')).toBe(true);
    const timeline = await run('timeline', anna.id, '--stream');
    const kinds = timeline.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string });
    expect(kinds.map(({ kind }) => kind)).toEqual(['opened', 'login']);
  });
});
