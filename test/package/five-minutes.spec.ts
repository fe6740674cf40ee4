import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { resultOf, type CliResult } from '../cli/cli-process.js';
import { tryFiveMinutes, writeFiveMinutes } from '../support/five-minutes.js';

const WORKSPACE = resolve(__dirname, '../..');

/** The manual's five minutes, done as it says, in a folder that knows nothing of this workspace. */
describe('The package in an app of its own', () => {
  let folder: string;
  let server: ChildProcess | undefined;

  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'five-minutes-'))));
  afterAll(async () => {
    server?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it('installs, compiles and works from the text of the README', async () => {
    const workspace = JSON.parse(await readFile(join(WORKSPACE, 'package.json'), 'utf8')) as PackageJson;
    const { dependencies, devDependencies } = workspace;
    const readme = await readFile(join(WORKSPACE, 'README.md'), 'utf8');

    const packed = await run(
      'npm',
      ['pack', '--silent', '--pack-destination', folder, '-w', 'nest-sessions'],
      WORKSPACE,
    );
    const tarball = packed.stdout.trim().split('\n').at(-1);
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({
        type: 'module',
        dependencies: pick(
          dependencies,
          '@nestjs/common',
          '@nestjs/core',
          '@nestjs/platform-express',
          'reflect-metadata',
          'rxjs',
        ),
        devDependencies: pick(devDependencies, 'typescript', '@types/node', '@types/express'),
      }),
    );
    const asked = /npm install nest-sessions ([^\n]+)/.exec(readme)?.[1]?.split(' ') ?? [];
    const peers = asked.map((name) => `${name}@${dependencies[name]}`);
    const installed = await run(
      'npm',
      ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`, ...peers],
      folder,
    );
    expect(
      installed.stderr.split('\n').filter((line) => /peer|ERESOLVE|deprecated|nest-sessions/i.test(line)),
    ).toEqual([]);

    await writeFiveMinutes(folder, readme);
    const compiled = await run('npx', ['tsc', '-p', '.'], folder);
    expect(compiled.stdout).toBe('');

    const port = await freePort();
    server = spawn(process.execPath, ['dist/main.js'], {
      cwd: folder,
      env: { ...process.env, PORT: `${port}` },
    });
    const url = `http://127.0.0.1:${port}`;
    await untilUp(url);
    await tryFiveMinutes(url, folder);

    server.kill('SIGTERM');
    expect(await once(server, 'exit')).toEqual([null, 'SIGTERM']);
    expect(await readdir(join(folder, 'data/sessions'))).not.toContain('sessions.db-wal');
  }, 300_000);
});

interface PackageJson {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

function pick(from: Record<string, string>, ...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, from[name] ?? '']));
}

async function run(command: string, args: string[], cwd: string): Promise<CliResult> {
  const result = await resultOf(spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] }));
  if (result.code === 0) return result;
  const { code, stdout, stderr } = result;
  throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

async function untilUp(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(`${url}/nowhere`).catch(() => null);
    if (answer) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('the app did not start');
}
