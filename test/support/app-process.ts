import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { AdapterName } from './http-app.js';

export const ADMIN_TOKEN = 'an admin token for tests only 0123456789'.replaceAll(' ', '-');
const BOOT_LINE = /^Listening on (http:\/\/\S+) \|/;
const EXIT_WITHIN_MS = 15_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly afterMs: number;
}

/** The reference app as it is served: a process of its own, over real HTTP, on a storage folder of its own. */
export class AppProcess {
  /** Where set, apps that are given no store of their own keep their sessions in this Redis, under a prefix each. */
  static redisUrl: string | null = null;

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly bootLine: string,
    readonly storagePath: string,
    private readonly output: string[],
  ) {}

  static get store(): 'sqlite' | 'redis' {
    return AppProcess.redisUrl === null ? 'sqlite' : 'redis';
  }

  /** Everything it printed so far, on both outputs. */
  get log(): string {
    return this.output.join('');
  }

  /** The lines of `log`, but for what the cron package says by itself: on a busy machine a job began some milliseconds late. */
  get lines(): string[] {
    return this.log
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('[Cron] Missed execution deadline'));
  }

  static async start(
    adapter: AdapterName,
    environment: Record<string, string> = {},
    storagePath?: string,
    uid?: number,
  ): Promise<AppProcess> {
    const path = storagePath ?? (await mkdtemp(join(tmpdir(), 'nest-sessions-app-')));
    const output: string[] = [];
    const child = spawnApp(
      { HTTP_ADAPTER: adapter, SESSION_STORAGE_PATH: path, ...storeOf(path), ...environment },
      uid,
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => output.push(text));
    }
    const lines = createInterface({ input: child.stdout! });
    const exited = once(child, 'exit').then(() => {
      throw new Error(`The app did not start:\n${output.join('')}`);
    });
    const booted = (async () => {
      for await (const line of lines) if (BOOT_LINE.test(line)) return line;
      throw new Error(`The app said nothing:\n${output.join('')}`);
    })();
    exited.catch(() => {});
    const bootLine = await Promise.race([booted, exited]);
    child.stdout!.resume();
    return new AppProcess(child, BOOT_LINE.exec(bootLine)![1]!, bootLine, path, output);
  }

  /** Sends a signal that it survives: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** As if the program that reads its log had ended. */
  closeLog(): void {
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }

  /** Sends a signal, and waits for the process to be gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    const startedAt = performance.now();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill(signal);
      const giveUp = setTimeout(() => this.child.kill('SIGKILL'), EXIT_WITHIN_MS);
      await exited;
      clearTimeout(giveUp);
    }
    const { exitCode: code, signalCode } = this.child;
    return { code, signal: signalCode, afterMs: performance.now() - startedAt };
  }

  /** Ends it, whatever it does, and deletes its storage. */
  async destroy(): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.storagePath, { recursive: true, force: true });
  }

  /** What an operator reads; the answer's JSON. */
  async admin<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = { 'X-Admin-Token': ADMIN_TOKEN };
    const response = await fetch(`${this.url}/admin/sessions${path}`, { ...init, headers });
    if (!response.ok) throw new Error(`Admin answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }
}

/** The same storage has the same store, so that an app that is started again finds its sessions. */
function storeOf(storagePath: string): Record<string, string> {
  const { redisUrl } = AppProcess;
  if (redisUrl === null) return {};
  return { SESSION_REDIS_URL: redisUrl, SESSION_REDIS_PREFIX: `${basename(storagePath)}:` };
}

/** Starts the app on any free port, as this user and group if one is given; for starts that fail, too. */
export function spawnApp(environment: Record<string, string>, uid?: number): ChildProcess {
  const { PATH } = process.env;
  return spawn(process.execPath, ['dist/main.js'], {
    cwd: resolve(import.meta.dirname, '../..'),
    env: {
      PATH,
      PORT: '0',
      ADMIN_TOKEN,
      SESSION_MIN_FREE_BYTES: '0',
      SESSION_BALLAST_BYTES: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  });
}
