import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { tryFiveMinutes, writeFiveMinutes } from '../support/five-minutes.js';
import {
  MANAGERS,
  packageManagersIn,
  run,
  type ManagerName,
  type PackageManager,
} from './package-managers.js';

const WORKSPACE = resolve(__dirname, '../..');
const FRAMEWORK = ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'reflect-metadata', 'rxjs'];
/** The versions of Nest: those of the workspace, and those of the app on the oldest Nest 11. */
const VERSIONS = { 'Nest 12': 'package.json', 'Nest 11': 'test/compat/nest11/package.json' };
/** What package managers say of a package that is wrong; also what Node and Nest warn of at run time. */
const WARNING = /peer|ERESOLVE|deprecated|YN00(?:02|60|86)|\bWARN\b/i;

/** The manual's five minutes, done as it says, in a folder that knows nothing of this workspace. */
describe('The package in an app of its own', () => {
  let folder: string;
  let managers: Record<ManagerName, PackageManager>;
  let server: ChildProcess | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'five-minutes-'));
    managers = await packageManagersIn(join(folder, 'tools'));
    await run(
      { command: 'npm', args: ['pack', '--silent', '--pack-destination', folder, '-w', 'nest-sessions'] },
      WORKSPACE,
    );
  }, 120_000);
  afterEach(() => void server?.kill('SIGKILL'));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(MANAGERS.flatMap((manager) => Object.keys(VERSIONS).map((nest) => [manager, nest] as const)))(
    'installs with %s, compiles and works on %s from the text of the README, without a warning',
    async (name, nest) => {
      const manager = managers[name];
      const readme = await readFile(join(WORKSPACE, 'README.md'), 'utf8');
      const app = join(folder, `${name} ${nest}`.toLowerCase().replaceAll(' ', '-'));
      await mkdir(app);
      await writeManifest(app, readme, nest as keyof typeof VERSIONS);
      for (const [file, text] of Object.entries(manager.settings)) await writeFile(join(app, file), text);
      const installed = await run(manager.install, app);
      expect(ourWarnings(`${installed.stdout}\n${installed.stderr}`)).toEqual([]);

      await writeFiveMinutes(app, readme);
      const compiled = await run(manager.exec('tsc', '-p', '.'), app);
      expect(compiled.stdout).toBe('');

      const port = await freePort();
      const { command, args } = manager.start('dist/main.js');
      server = spawn(command, args, { cwd: app, env: { ...process.env, PORT: `${port}` } });
      let log = '';
      for (const stream of [server.stdout, server.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
      }
      const url = `http://127.0.0.1:${port}`;
      await untilUp(url, () => log);
      await tryFiveMinutes(url, app);

      server.kill('SIGTERM');
      expect(await once(server, 'exit')).toEqual([null, 'SIGTERM']);
      expect(log.split('\n').filter((line) => WARNING.test(line))).toEqual([]);
      expect(await readdir(join(app, 'data/sessions'))).not.toContain('sessions.db-wal');
    },
    300_000,
  );

  /** The packed library and what the README installs beside it, in an app as `nest new` makes it. */
  async function writeManifest(app: string, readme: string, nest: keyof typeof VERSIONS): Promise<void> {
    const manifest = async (path: string) =>
      JSON.parse(await readFile(join(WORKSPACE, path), 'utf8')) as PackageJson;
    const [{ dependencies }, { devDependencies }] = [
      await manifest(VERSIONS[nest]),
      await manifest('package.json'),
    ];
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
    await cp(join(folder, tarball), join(app, tarball));
    const asked = /npm install nest-sessions ([^\n]+)/.exec(readme)?.[1]?.split(' ') ?? [];
    await writeFile(
      join(app, 'package.json'),
      JSON.stringify({
        name: 'five-minutes',
        private: true,
        type: 'module',
        dependencies: { ...pick(dependencies, ...FRAMEWORK, ...asked), 'nest-sessions': `file:./${tarball}` },
        devDependencies: pick(devDependencies, 'typescript', '@types/node', '@types/express'),
      }),
    );
  }
});

interface PackageJson {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

function pick(from: Record<string, string>, ...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, from[name] ?? '']));
}

function ourWarnings(output: string): string[] {
  return output.split('\n').filter((line) => WARNING.test(line) && /nest-sessions/.test(line));
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

async function untilUp(url: string, log: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(`${url}/nowhere`).catch(() => null);
    if (answer) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`the app did not start:\n${log()}`);
}
