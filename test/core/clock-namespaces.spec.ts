import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCore } from '#sessions/assembly/start-core';
import { resolveConfig } from '#sessions/core/config/config';
import type { SessionsCore } from '#sessions/core/core';
import { AnchoredClock } from '#sessions/core/clock/system-clock';
import { BIN, environmentOf, resultOf } from '../cli/cli-process.js';
import { CLIENT } from '../support/world.js';

const SLEPT_SECONDS = 8 * 3600;
const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** Real processes beside a server: in namespaces where the kernel's clocks, or its reports of them, are others. */
describe('A process on the store of another', () => {
  let folder: string;
  let storagePath: string;
  let server: SessionsCore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-clock-'));
    storagePath = join(folder, 'root');
    const day = { maxDurationSeconds: 86_400, maxIdleSeconds: 86_400 };
    const config = resolveConfig({ storagePath, ...day, openRate: 0, ballastBytes: 0 }, {});
    server = await startCore({ config, clock: new AnchoredClock(), role: 'server', logFor: () => silent });
    const opening = await server.service.open(CLIENT);
    if (opening.kind !== 'opened') throw new Error(`The opening was refused: ${opening.reason}`);
    // One without a user would end after a minute, and no list shows a session past its end.
    await server.service.login(opening.session, 'ada');
  });
  afterEach(async () => {
    await server.quiesce();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** How old the session is for a command that runs in its own namespaces, in seconds. */
  async function ageIn(program: string, ...args: readonly string[]): Promise<number> {
    const child = spawn(program, [...args, process.execPath, BIN, 'list', '--json'], {
      env: environmentOf({ storagePath }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, stdout, stderr } = await resultOf(child);
    if (code !== 0) throw new Error(`${program} exits with ${code}: ${stderr}`);
    const { sessions } = JSON.parse(stdout) as { sessions: { duration_seconds: number }[] };
    return sessions[0]?.duration_seconds ?? Number.NaN;
  }

  /** A shell that gives these files the place of those in /proc before it runs the command. */
  async function ageWhere(files: Readonly<Record<string, string>>): Promise<number> {
    const mounts: string[] = [];
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      await writeFile(path, content);
      mounts.push(`mount --bind ${path} /proc/${name}`);
    }
    const script = `${mounts.join(' && ')} && exec "$@"`;
    return ageIn('unshare', '--mount', 'bash', '-c', script, 'bash');
  }

  async function uptimePlus(seconds: number): Promise<string> {
    const [uptime, idle] = (await readFile('/proc/uptime', 'utf8')).split(' ');
    return `${(Number(uptime) + seconds).toFixed(2)} ${idle}`;
  }

  /** The boot was so much earlier: the wall clock has moved on in a sleep, the monotonic clock has not. */
  async function statBefore(seconds: number): Promise<string> {
    const stat = await readFile('/proc/stat', 'utf8');
    return stat.replace(/^btime (\d+)$/m, (_line, btime: string) => `btime ${Number(btime) - seconds}`);
  }

  it('has the same time, without namespaces of its own', async () => {
    expect(await ageIn('env')).toBeLessThan(60);
  });

  it.each([500_000, -600])(
    'has the same time in a time namespace whose clocks are %d s off',
    async (offset) => {
      const age = await ageIn('unshare', '--time', '--fork', `--monotonic=${offset}`, `--boottime=${offset}`);
      expect(age).toBeLessThan(60);
    },
  );

  it('has the same time in a container whose uptime is its own age', async () => {
    expect(await ageWhere({ uptime: '5.00 5.00\n' })).toBeLessThan(60);
  });

  it('counts the sleep of the machine', async () => {
    const age = await ageWhere({
      uptime: await uptimePlus(SLEPT_SECONDS),
      stat: await statBefore(SLEPT_SECONDS),
    });
    expect(age).toBeGreaterThanOrEqual(SLEPT_SECONDS);
    expect(age).toBeLessThan(SLEPT_SECONDS + 60);
  });

  it('counts the sleep of the machine in a container whose uptime is its own age', async () => {
    const age = await ageWhere({ uptime: '5.00 5.00\n', stat: await statBefore(SLEPT_SECONDS) });
    expect(age).toBeGreaterThanOrEqual(SLEPT_SECONDS);
    expect(age).toBeLessThan(SLEPT_SECONDS + 60);
  });
});
