import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Session } from 'nest-sessions';
import type { SessionList } from '../admin/admin-client.js';
import { runCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';

interface Resource {
  readonly file_name: string;
}
interface Detail {
  readonly session_id: string;
  readonly user_agent: string;
  readonly resources: Resource[];
}
/** Fields that change every second. */
const PASSING = new Set(['duration_seconds', 'idle_seconds', 'last_heard', 'next_run']);

function timeless(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (name, inner: unknown) => (PASSING.has(name) ? null : inner));
}

describe('reading commands beside a running server', () => {
  let server: Server;
  let anna: Session;
  let ben: Session;
  const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });

  beforeAll(async () => {
    server = await Server.start();
    anna = await server.open({ userId: 'anna' });
    ben = await server.open({
      userId: 'ben',
      userAgent: 'evil\u001B[2J\u009B1m\u202Egnp.exe\u200B\r\nagent',
    });
    await server.addFile(anna, 12_345, 'phrase.wav');
    await server.addFile(ben, 100, 'a"b\u202E<c>.wav');
    // No client is active from here on, so that nothing changes between two reads.
    await server.sessions.list({ limit: 1, sort: 'created_at' });
  });
  afterAll(() => server.close());

  it.each([['list'], ['sessions list'], ['sessions-list']])(
    '%s --json prints the answer of the admin endpoint',
    async (name) => {
      const { code, stdout, stderr } = await run(...name.split(' '), '--json');
      expect(code).toBe(0);
      expect(timeless(JSON.parse(stdout))).toEqual(timeless(await server.admin.read('/admin/sessions')));
      expect(stderr).toBe('');
    },
  );

  it.each([['stats'], ['sessions stats'], ['sessions-stats']])(
    '%s --json contains the answer of the admin endpoint',
    async (name) => {
      const { code, stdout } = await run(...name.split(' '), '--json');
      expect(code).toBe(0);
      expect(timeless(JSON.parse(stdout))).toMatchObject(
        timeless(await server.admin.read('/admin/sessions/metrics')) as object,
      );
    },
  );

  it.each([['show'], ['sessions show']])(
    '%s <id> --json prints the answer of the admin endpoint',
    async (name) => {
      const { code, stdout } = await run(...name.split(' '), ben.id, '--json');
      expect(code).toBe(0);
      expect(timeless(JSON.parse(stdout))).toEqual(
        timeless(await server.admin.read(`/admin/sessions/${ben.id}`)),
      );
    },
  );

  it('shows whether a server is running, and leaves no process of its own behind', async () => {
    const { stdout } = await run('stats', '--json');
    const { processes } = JSON.parse(stdout) as { processes: object[] };
    expect(processes).toMatchObject([{ role: 'server', alive: true }]);
    expect(await server.processes()).toEqual(['server']);
    const { stdout: table } = await run('stats');
    expect(table).toMatch(/server +\d+ +\S+ +alive/);
    expect(table).not.toContain('No server process is running');
  });

  it('shows a process as silent ten seconds after its last heartbeat', async () => {
    const [beat] = await server.store.fleet.listProcesses();
    const processId = '00000000-0000-4000-8000-000000000009';
    await server.store.fleet.heartbeat({ ...beat!, processId, at: Date.now() - 10_000 });
    const { stdout } = await run('stats');
    const { processes } = JSON.parse((await run('stats', '--json')).stdout) as { processes: object[] };
    await server.store.fleet.dropProcess(processId, Date.now());
    expect(stdout).toMatch(new RegExp(`${processId.slice(0, 8)} +server +\\d+ +\\S+ +silent`));
    expect(processes).toMatchObject([
      { process_id: processId, alive: false },
      { process_id: beat?.processId, alive: true },
    ]);
  });

  it('does not count as session activity', async () => {
    const before = await server.store.sessions.find(anna.id);
    await Promise.all([run('list'), run('show', anna.id)]);
    expect(await server.store.sessions.find(anna.id)).toEqual(before);
  });

  it('pages through the sessions in the requested order, and filters by user', async () => {
    const first = await run('list', '--json', '--limit', '1', '--sort=-created_at');
    const page = JSON.parse(first.stdout) as SessionList;
    expect(page.sessions.map((session) => session.session_id)).toEqual([ben.id]);
    const second = await run('list', '--json', '--sort=-created_at', '--cursor', page.next_cursor!);
    const rest = JSON.parse(second.stdout) as SessionList;
    expect(rest.sessions.map((session) => session.session_id)).toEqual([anna.id]);
    expect(rest.next_cursor).toBeUndefined();
    const ofAnna = JSON.parse((await run('list', '--json', '--user', 'anna')).stdout) as SessionList;
    expect(ofAnna.sessions.map((session) => session.session_id)).toEqual([anna.id]);
  });

  it('prints a session safely for a terminal, and without colours if stdout is none', async () => {
    const { code, stdout } = await run('show', ben.id);
    expect(code).toBe(0);
    expect(stdout).toContain('evil\\x1b[2J\\x9b1m\\u{202e}gnp.exe\\u{200b}\\x0d\\x0aagent');
    expect(stdout).toContain('a"b <c>.wav');
    expect(stdout).not.toMatch(/[^\P{C}\n]/u);
  });

  it('escapes the same characters in JSON, and keeps the value', async () => {
    const { stdout } = await run('show', ben.id, '--json');
    expect(stdout).not.toMatch(/[^\P{C}\n]/u);
    expect((JSON.parse(stdout) as Detail).user_agent).toBe(
      'evil\u001B[2J\u009B1m\u202Egnp.exe\u200B\r\nagent',
    );
  });

  it('lists each session in one line, under a head, with the count on stderr', async () => {
    const { stdout, stderr } = await run('list');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^SESSION +USER +ADDRESS +AGE +IDLE +REQS +RES +SIZE +USED$/);
    expect(lines[1]).toMatch(
      new RegExp(`^${anna.id.slice(0, 8)}  anna  192\\.0\\.2\\.7 .* 1  12\\.3 kB  1 %$`),
    );
    expect(stderr).toBe('2 of 2 active sessions\n');
  });

  it('exits with 3 for a session that is unknown', async () => {
    const { code, stdout, stderr } = await run('show', '00000000-0000-4000-8000-000000000000');
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: no session has this id, or it ended too long ago\n',
    });
  });

  describe('in a program of an application', () => {
    const program = resolve(import.meta.dirname, 'own-program.mjs');
    const runOwn = (factory: string, ...args: string[]): Promise<CliResult> =>
      runCli(args, { storagePath: server.storagePath, program, env: { OWN_FACTORY: factory } });

    it('has the same commands, configured by the application', async () => {
      const { code, stdout } = await runOwn('runCli', 'sessions', 'stats', '--json');
      expect(code).toBe(0);
      // The limits are those of the running server; without one they would be the application's.
      expect(JSON.parse(stdout)).toMatchObject({
        sessions: { active: 2 },
        limits: { max_resources_per_session: 100 },
        limits_from: 'servers',
      });
      const copy = await mkdtemp(join(tmpdir(), 'nest-sessions-copy-'));
      try {
        await cp(server.storagePath, copy, { recursive: true });
        const db = new DatabaseSync(join(copy, 'sessions.db'));
        db.exec('DELETE FROM processes');
        db.close();
        const alone = await runCli(['sessions', 'stats', '--json'], {
          storagePath: copy,
          program,
          env: { OWN_FACTORY: 'runCli' },
        });
        expect(JSON.parse(alone.stdout)).toMatchObject({
          limits: { max_resources_per_session: 7 },
          limits_from: 'environment',
        });
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
      expect(await server.processes()).toEqual(['server']);
    });

    it.each([
      ['runCli', 2, ['sessions-list', '--limit', 'x']],
      ['runCli', 2, ['bogus']],
      ['runCli', 3, ['sessions', 'show', '00000000-0000-4000-8000-000000000000']],
      ['nest-commander', 2, ['sessions-list', '--foo']],
      ['nest-commander', 3, ['sessions', 'show', '00000000-0000-4000-8000-000000000000']],
    ])('run by %s it exits with %i after %j', async (factory, expected, args) => {
      const { code, stdout, stderr } = await runOwn(factory, ...args);
      expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
      expect(stderr).toMatch(/^error: .*\n$/);
    });

    it('run by runCli it exits with 5 if there is no store', async () => {
      const { code, stderr } = await runCli(['sessions', 'list'], { storagePath: '/nowhere', program });
      expect(code).toBe(5);
      expect(stderr).toBe(
        'error: There is no session database at the configured path: check storagePath (SESSION_STORAGE_PATH), or start the server first\n',
      );
    });
  });
});
