import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BOOT_LINE = /\bListening on http:\/\/127\.0\.0\.1:(\d+) \|/;
const EXIT_WITHIN_MS = 15_000;
const PLAIN_LINE = /^\[Nest\] \d+ {2}- [^\p{C}]+$/u;
/** Of Node.js and of the scheduler, who know of no logger. */
const FOREIGN_LINE = /^(?:\(node:\d+\) \[|\(Use `node |\[Cron\] )[^\p{C}]+$/u;
const TROUBLE = /^\[Nest\] .{10,40} (ERROR|FATAL) |^\{"time":"[^"]{24}","level":"(error|fatal)"/;
/** Of a stack trace, or of where the code lies. */
export const STACK =
  /\n\s+at .{1,200}:\d+|\bat (?:async )?[\w.<> ]+ \((?:file:|node:|\/)|node_modules|node:internal|\/libs\/sessions\//;

/** The reference app, served as users serve it: a process of its own, on a storage of its own. Every line it logs is judged. */
export class AppServer {
  readonly port: number;
  readonly storagePath: string;
  readonly #child: ChildProcess;
  readonly #lines: readonly string[];

  private constructor(child: ChildProcess, port: number, storagePath: string, lines: readonly string[]) {
    this.#child = child;
    this.port = port;
    this.storagePath = storagePath;
    this.#lines = lines;
  }

  static async start(
    adapter: AdapterName,
    logs: 'plain' | 'json',
    environment: Record<string, string>,
  ): Promise<AppServer> {
    const storagePath = await mkdtemp(join(tmpdir(), 'nest-sessions-torture-'));
    const child = spawn(process.execPath, ['dist/main.js'], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        PORT: '0',
        HTTP_ADAPTER: adapter,
        NO_COLOR: '1',
        NEST_LOG_LEVEL: 'debug',
        LOG_FORMAT: logs === 'json' ? 'json' : 'text',
        SESSION_STORAGE_PATH: storagePath,
        SESSION_OPEN_RATE: '0',
        SESSION_MAX_UNCONFIRMED_PER_NETWORK: '0',
        SESSION_MIN_FREE_BYTES: '0',
        SESSION_BALLAST_BYTES: '0',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    const booted = Promise.withResolvers<number>();
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      eachLine(stream, (line) => {
        const port = BOOT_LINE.exec(line)?.[1];
        if (port === undefined) lines.push(line);
        else booted.resolve(Number(port));
      });
    }
    child.once('close', () => booted.reject(new Error(`The app did not start:\n${lines.join('\n')}`)));
    try {
      return new AppServer(child, await booted.promise, storagePath, lines);
    } catch (error) {
      await rm(storagePath, { recursive: true, force: true });
      throw error;
    }
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return this.#lines.join('\n');
  }

  get logLines(): number {
    return this.#lines.length;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Lines that are neither one JSON object nor one plain line, or that tell of trouble. */
  badLogLines(logs: 'plain' | 'json'): string[] {
    const isOwn = logs === 'json' ? isOneObject : (line: string) => PLAIN_LINE.test(line);
    const isFine = (line: string): boolean => isOwn(line) || FOREIGN_LINE.test(line);
    return this.#lines.filter((line) => !isFine(line) || TROUBLE.test(line) || STACK.test(line));
  }

  /** Files that the process has open. */
  async openFiles(): Promise<number> {
    return (await readdir(`/proc/${this.#child.pid}/fd`)).length;
  }

  /** Asks it to go down; its exit code, or the signal that it died of. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    if (this.isAlive) {
      const closed = once(this.#child, 'close');
      this.#child.kill('SIGTERM');
      const giveUp = setTimeout(() => this.#child.kill('SIGKILL'), EXIT_WITHIN_MS);
      await closed;
      clearTimeout(giveUp);
    }
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async destroy(): Promise<void> {
    if (this.isAlive) {
      const closed = once(this.#child, 'close');
      this.#child.kill('SIGKILL');
      await closed;
    }
    await rm(this.storagePath, { recursive: true, force: true });
  }
}

/** By line feeds alone: whatever else looks like the end of a line is for the judge of the line. */
function eachLine(stream: Readable, tell: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) tell(line);
  });
  stream.once('end', () => rest !== '' && tell(rest));
}

function isOneObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
