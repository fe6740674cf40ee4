import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCli } from './cli-process.js';

const LIBRARY = resolve(import.meta.dirname, '../../libs/sessions');

describe('the program nest-sessions', () => {
  let folder: string;
  let program: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-cli-'));
    for (const name of ['dist/program', 'package.json']) {
      await cp(join(LIBRARY, name), join(folder, name), { recursive: true });
    }
    program = join(folder, 'dist/program/bin.js');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('needs no other package, not even nest-commander', async () => {
    const help = await runCli(['--help'], { program });
    expect(help).toEqual(await runCli(['--help']));
    expect(help.stdout).toContain('Usage: nest-sessions');
    const { code, stderr } = await runCli(['list'], { program, cwd: folder });
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining('SESSION_STORAGE_PATH is') });
  });
});
