import { fork, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { Answer } from './answering.ts';

/** So that memory can be told: without garbage, and with a room for new objects that does not grow by itself. */
const NODE_OPTIONS = ['--expose-gc', '--max-semi-space-size=4'];
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;

type Waiting = ReturnType<typeof Promise.withResolvers<unknown>>;

/** A process of a campaign, which answers questions: see `answering.ts` for its end. */
export class Child {
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private readonly exited: Promise<string>;
  private readonly errors: string[] = [];
  private questions = 0;

  private constructor(process: ChildProcess) {
    this.process = process;
    process.stderr?.setEncoding('utf8').on('data', (text: string) => this.errors.push(text));
    process.on('message', (answer) => this.take(answer as Answer));
    this.exited = new Promise((resolve) =>
      process.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`)),
    );
    void this.exited.then((how) => {
      const error = new Error(`A process of the campaign is gone (${how}):\n${this.errorOutput}`);
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    });
  }

  /** Starts `script`, and has it answer `start` with this set-up. */
  static async start(script: URL, setUp: unknown): Promise<Child> {
    const child = new Child(
      fork(script, { execArgv: NODE_OPTIONS, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }),
    );
    const late = setTimeout(() => child.process.kill('SIGKILL'), START_WITHIN_MS);
    await child.ask('start', setUp).finally(() => clearTimeout(late));
    return child;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The last it said on its standard error. */
  get errorOutput(): string {
    return this.errors.join('').slice(-4000);
  }

  get isGone(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** How many descriptors it has open. */
  countDescriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  ask<Value>(question: string, about: unknown = null): Promise<Value> {
    const id = (this.questions += 1);
    const waiting = Promise.withResolvers<unknown>();
    this.waiting.set(id, waiting);
    this.process.send({ id, question, about }, (error) => {
      if (!error) return;
      this.waiting.delete(id);
      waiting.reject(error);
    });
    return waiting.promise as Promise<Value>;
  }

  /** Has it end by itself; how it did. */
  async stop(): Promise<string> {
    this.process.kill('SIGTERM');
    const late = setTimeout(() => this.process.kill('SIGKILL'), STOP_WITHIN_MS);
    return this.exited.finally(() => clearTimeout(late));
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  private take({ id, value, error }: Answer): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }
}
