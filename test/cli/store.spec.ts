import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';
import { runInShell } from './shell.js';

describe('a missing store', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-cli-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  function expectUnreachable({ code, stdout, stderr }: CliResult): void {
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(stderr).toMatch(/^error: .*\n$/);
  }

  it('at a wrong path exits with 5, names the setting, and creates nothing', async () => {
    const storagePath = join(folder, 'wrong', 'path');
    const results = await Promise.all(
      [['list'], ['stats'], ['cleanup']].map((args) => runCli(args, { storagePath })),
    );
    for (const result of results) {
      expectUnreachable(result);
      expect(result.stderr).toContain(`SESSION_STORAGE_PATH is ${storagePath}`);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('under a wrong working directory exits with 5 and creates nothing', async () => {
    expectUnreachable(await runCli(['list'], { cwd: folder }));
    expect(await readdir(folder)).toEqual([]);
  });

  it('in an empty folder, or as an empty file, exits with 5 and creates nothing', async () => {
    await mkdir(join(folder, 'empty'));
    expectUnreachable(await runCli(['list'], { storagePath: join(folder, 'empty') }));
    expect(await readdir(join(folder, 'empty'))).toEqual([]);
    await writeFile(join(folder, 'sessions.db'), '');
    expectUnreachable(await runCli(['list'], { storagePath: folder }));
    expect(await readdir(folder)).toEqual(['empty', 'sessions.db']);
  });

  it('replaced by another file or another database exits with 5 and changes nothing', async () => {
    await writeFile(join(folder, 'sessions.db'), 'no database at all, but a text that is long enough');
    expectUnreachable(await runCli(['list'], { storagePath: folder }));
    expect(await readdir(folder)).toEqual(['sessions.db']);

    const other = join(folder, 'other');
    await mkdir(other);
    const db = new DatabaseSync(join(other, 'sessions.db'));
    db.exec('CREATE TABLE accounts (name TEXT)');
    db.close();
    expectUnreachable(await runCli(['cleanup'], { storagePath: other }));
    expect(await readdir(other)).toEqual(['sessions.db']);
  });

  it('in the memory of the server exits with 5', async () => {
    const env = { SESSION_STORE: 'memory' };
    expectUnreachable(await runCli(['list'], { storagePath: join(folder, 'none'), env }));
    await expect(access(join(folder, 'none'))).rejects.toThrow('ENOENT');
  });
});

describe('a store that another program has locked', () => {
  it('exits with 5 after the lock timeout', async () => {
    const server = await Server.start();
    const db = new DatabaseSync(join(server.storagePath, 'sessions.db'));
    try {
      db.exec('BEGIN IMMEDIATE');
      const { code, stdout, stderr } = await runCli(['list'], { storagePath: server.storagePath });
      expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
      expect(stderr).toMatch(/^error: Another process locked the session database for too long: .*\n$/);
    } finally {
      db.close();
      await server.close();
    }
  });
});

describe('an output that cannot be written', () => {
  let server: Server;

  beforeAll(async () => {
    server = await Server.start();
    for (let count = 0; count < 20; count += 1) await server.open({ userAgent: 'x'.repeat(5000) });
  });
  afterAll(() => server.close());
  const shell = (script: string): Promise<CliResult> =>
    runInShell(script, { storagePath: server.storagePath });

  it('because the reader has closed the pipe exits with 0, without an error', async () => {
    const { code, stdout, stderr } = await shell('set -o pipefail; $CLI list | head -1');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^SESSION .*\n$/) });
    expect(stderr).toBe('20 of 20 active sessions\n');
    expect(await shell('set -o pipefail; $CLI list --json | true')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('because the disk is full exits with 1, with one line', async () => {
    const results = await Promise.all(
      ['$CLI list', '$CLI stats --json', '$CLI --help'].map((command) => shell(`${command} > /dev/full`)),
    );
    expect(results.map(({ code }) => code)).toEqual([1, 1, 1]);
    for (const { stderr } of results.slice(0, 2))
      expect(stderr).toBe('error: cannot write to stdout (ENOSPC)\n');
  });

  it('works with standard error or input closed', async () => {
    expect((await shell('$CLI list 2>/dev/full')).code).toBe(0);
    expect((await shell('$CLI list 2>&-')).code).toBe(0);
    expect((await shell('$CLI list <&-')).code).toBe(0);
  });

  it('leaves no process behind in the store', async () => {
    expect(await server.processes()).toEqual(['server']);
  });
});
