import { hostname, userInfo } from 'node:os';
import { randomUUID } from 'node:crypto';
import type { Session } from 'nest-sessions';
import { KEY_ID } from '../admin/admin-client.js';
import { runCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';

interface Entries {
  readonly entries: Record<string, unknown>[];
  readonly next_cursor?: string;
}

const CLI = { kind: 'cli', user: userInfo().username, host: hostname() };
const NONE = { sessions: 0, resources: 0, bytes: 0 };
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

let server: Server;
let session: Session;
const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });

async function read<Json = Entries>(...args: string[]): Promise<Json> {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Json;
}

beforeEach(async () => {
  server = await Server.start();
  session = await server.open();
  await server.addFile(session, 1234);
});
afterEach(() => server.close());

describe('timeline <id>', () => {
  it('of a live session: a table of 80 columns, its end on stderr', async () => {
    const { code, stdout, stderr } = await run('sessions', 'timeline', session.id);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '2 entries of a session that is live\n' });
    const [head, opened, ...rest] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^AT {20}WHAT {4}BY +DETAILS$/);
    expect(opened).toMatch(/^\S+Z {2}opened {2}\w+ +-$/);
    expect(opened?.split(' ')[0]).toMatch(INSTANT);
    expect(rest.join('\n')).toMatch(/Z {2}login {3}app +user hash [\w-]{22}$/);
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  it('of an ended one: how it ended, with who and what it held', async () => {
    await server.admin.cleanup(session.id);
    const { code, stdout, stderr } = await run('timeline', session.id);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '3 entries of a session that is over (ended)\n' });
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
    expect(stdout).toMatch(new RegExp(`ended +admin ${KEY_ID} +admin after `));
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('1 request, 1 resource, 1.23 kB');
  });

  it('--json prints the answer of the admin endpoint; pages lead on', async () => {
    await server.admin.cleanup(session.id);
    const all = await server.admin.read<Entries>(`/admin/sessions/${session.id}/timeline`);
    expect(await read('timeline', session.id)).toEqual(all);
    const first = await run('timeline', session.id, '--limit', '2');
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(3);
    const [, cursor = ''] = /^More: nest-sessions .* --limit 2 --cursor ([\w-]+)$/m.exec(first.stderr) ?? [];
    const rest = await read('timeline', session.id, '--limit', '2', '--cursor', cursor);
    expect(rest.entries).toEqual(all.entries.slice(2));
    const wrong = await run('timeline', randomUUID(), '--cursor', cursor);
    expect({ code: wrong.code, stdout: wrong.stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('of a session that is unknown: exit 3', async () => {
    const { code, stdout, stderr } = await run('timeline', randomUUID());
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toBe('error: no session has this id, or it ended too long ago\n');
  });

  it('escapes what a client said', async () => {
    const escape = '\u001b[2J\u202e';
    const request = { kind: 'request', method: 'GET', route: null, path: `/${escape}`, status: 200 } as const;
    const sizes = { durationMs: 5, receivedBytes: 0, sentBytes: 10, requestType: null, responseType: null };
    const entry = { at: Date.now(), ...request, ...sizes };
    await server.store.journal.append([{ sessionId: session.id, entry }]);
    const { stdout } = await run('timeline', session.id);
    expect(stdout).toContain('\\x1b[2J\\u{202e}');
    expect(stdout).not.toMatch(/[^\P{C}\n]/u);
    expect((await run('timeline', session.id, '--json')).stdout).not.toMatch(/[^\P{C}\n]/u);
  });
});

describe('show <id> of an ended session', () => {
  it('shows when, why and by whom it ended, and what it held', async () => {
    await run('cleanup', session.id, '--yes');
    const { code, stdout, stderr } = await run('show', session.id);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^State +ended$/m);
    expect(stdout).toMatch(/^Reason +admin$/m);
    expect(stdout).toMatch(/^Ended +20\S+Z \(\d+ m?s ago\)$/m);
    expect(stdout).toMatch(/^Size +1\.23 kB$/m);
    expect(stdout).toContain(`cli ${CLI.user}@${CLI.host}`);
    expect(await read('show', session.id)).toEqual(await server.admin.read(`/admin/sessions/${session.id}`));
    expect((await run('cleanup', session.id, '--yes')).code).toBe(3);
  });
});

describe('audit', () => {
  it('has the ends by a token and by a command, and those that found nothing', async () => {
    const other = await server.open();
    await server.admin.cleanup(other.id);
    await run('cleanup', session.id, '--yes');
    await run('cleanup', session.id, '--yes');
    await run('cleanup', session.id, '--dry-run');
    const { entries } = await read('audit');
    const end = { at: expect.any(String) as unknown, deed: 'end' };
    const ended = { ...end, by: CLI, subject: session.id };
    expect(entries).toEqual([
      { ...ended, outcome: 'nothing', ...NONE },
      { ...ended, outcome: 'done', sessions: 1, resources: 1, bytes: 1234 },
      {
        ...end,
        by: { kind: 'admin', key_id: KEY_ID },
        subject: other.id,
        outcome: 'done',
        ...NONE,
        sessions: 1,
      },
    ]);
    const table = await run('sessions', 'audit');
    expect({ code: table.code, stderr: table.stderr }).toEqual({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(/^AT {20}WHAT {2}BY +DETAILS\n/);
    expect(table.stdout).toContain(session.id);
    expect(table.stdout).toMatch(new RegExp(`end {3}admin ${KEY_ID} +done`));
    expect(await read('audit')).toEqual(await server.admin.read('/admin/sessions/audit'));
  });

  it('has cleanups, forgotten nodes and users, and the trusted clock; no dry runs, and no user', async () => {
    const node = randomUUID();
    await server.plantDue('idle');
    await run('cleanup', '--dry-run');
    await run('cleanup');
    await run('nodes', 'forget', node, '--yes');
    await run('clock', '--trust', '--yes');
    await run('clock');
    const forgotten = await read<object>('forget-user', 'anna', '--yes');
    expect(forgotten).toEqual({ forgotten: true, sessions_ended: 1, timelines_erased: 1 });
    const { entries } = await read('audit');
    expect(entries.map(({ deed, outcome, subject }) => [deed, outcome, subject])).toEqual([
      ['forget-user', 'done', null],
      ['end', 'done', session.id],
      ['trust-clock', 'done', null],
      ['forget-node', 'nothing', node],
      ['cleanup', 'done', null],
    ]);
    expect(entries.at(-1)).toMatchObject({ by: CLI, sessions: 1 });
    expect(JSON.stringify(entries)).not.toContain('anna');
  });

  it('has a range and pages, and the wrong tokens below them', async () => {
    for (let count = 0; count < 3; count += 1) await server.admin.cleanup(randomUUID());
    await server.store.audit.countWrongToken('192.0.2.7/32', Date.now());
    await server.store.audit.countWrongToken('192.0.2.7/32', Date.now());
    const first = await run('audit', '--limit', '2');
    expect(first.stdout).toMatch(
      /\nWrong admin tokens\n +MINUTE +NETWORK +COUNT\n +\S+Z {2}192\.0\.2\.7\/32 +2\n$/,
    );
    const [, cursor = ''] = /^More: nest-sessions .* --limit 2 --cursor ([\w-]+)$/m.exec(first.stderr) ?? [];
    const rest = await run('audit', '--limit', '2', '--cursor', cursor);
    expect(rest).toMatchObject({ code: 0, stderr: '' });
    expect(rest.stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(await read('audit', '--to', '2026-01-01')).toEqual({ entries: [], wrong_tokens: [] });
    expect((await read('audit', '--from', '2026-01-01T00:00:00+01:00')).entries).toHaveLength(3);
  });

  it('names a user that the system has no name for by its number', async () => {
    const patch = `
      import os from 'node:os';
      import { syncBuiltinESMExports } from 'node:module';
      os.userInfo = () => { throw new Error('ENOENT'); };
      syncBuiltinESMExports();`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(patch)}` };
    const args = ['cleanup', session.id, '--yes'];
    expect((await runCli(args, { storagePath: server.storagePath, env })).code).toBe(0);
    const { entries } = await read('audit');
    expect(entries).toMatchObject([{ by: { ...CLI, user: `uid ${userInfo().uid}` } }]);
  });
});

describe('forget-user <id>', () => {
  it('ends the sessions and erases the timelines of a user, and of nobody else', async () => {
    const [past, ben] = [await server.open(), await server.open({ userId: 'ben' })];
    await server.sessions.end(past);
    const { code, stdout, stderr } = await run('sessions', 'forget-user', 'anna', '--yes');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe('user forgotten: 1 session ended, 2 timelines erased\n');
    for (const { id } of [session, past]) expect((await read('timeline', id)).entries).toEqual([]);
    expect((await read('timeline', ben.id)).entries).toHaveLength(2);
    const again = await run('forget-user', 'anna', '--yes');
    expect(again.stdout).toBe('user forgotten: 0 sessions ended, 0 timelines erased\n');
  });

  it('forgets nobody without a terminal to ask on, or --yes', async () => {
    expect(await run('forget-user', 'anna')).toMatchObject({ code: 2, stdout: '' });
    expect(await server.sessions.listByUser('anna')).toHaveLength(1);
    expect((await read('audit')).entries).toEqual([]);
  });
});
