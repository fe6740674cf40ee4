import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCli } from './cli-process.js';

const ROOT = resolve(import.meta.dirname, '../..');
/** What the program needs besides nest-commander. */
const PACKAGES = [
  '@nestjs',
  'class-validator',
  'cli-progress',
  'cli-table3',
  'ipaddr.js',
  'lru-cache',
  'pretty-bytes',
  'reflect-metadata',
  'rxjs',
];

describe('the program nest-sessions', () => {
  let folder: string;
  let program: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-cli-'));
    const home = join(folder, 'node_modules/nest-sessions');
    await mkdir(home, { recursive: true });
    await cp(join(ROOT, 'libs/sessions/dist'), join(home, 'dist'), { recursive: true });
    await cp(join(ROOT, 'libs/sessions/package.json'), join(home, 'package.json'));
    await Promise.all(
      PACKAGES.map((name) => symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))),
    );
    program = join(home, 'dist/cli/bin.js');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('says so where nest-commander is not installed', async () => {
    const stderr = 'error: the package nest-commander is missing: npm install nest-commander\n';
    expect(await runCli(['list'], { program })).toEqual({ code: 1, stdout: '', stderr });
  });

  it.each(['20.20.2', '22.22.9', '23.11.0', '24.13.1'])('says so on Node.js %s', async (version) => {
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(older)}` };
    const { code, stdout, stderr } = await runCli(['--help'], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `error: nest-sessions needs Node.js 22.23 or newer, or 24.14 or newer; this is ${version}\n`,
    );
  });
});
