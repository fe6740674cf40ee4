import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PROCESS = join(__dirname, 'support/listing-process.mjs');
const MEBIBYTE = 1024 * 1024;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('Lists that were read', () => {
  it('are garbage that a collection of the young generation finds', async () => {
    const args = ['--expose-gc', PROCESS, join(folder, 'sessions.db')];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(Number(stdout)).toBeLessThan(5 * MEBIBYTE);
  }, 60_000);
});
