// A program of the benchmark in a process of its own, which is asked questions and answers them.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { taskset } from './machine.ts';

interface Question {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly fault?: string;
}

export type Handlers = Record<string, (...args: never[]) => unknown>;

export interface ProgramOptions {
  /** The core that it is kept to, where the machine can do so. */
  readonly core?: number;
  readonly nodeOptions?: readonly string[];
}

/** The side of the process that asks. */
export class Program {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>();
  private asked = 0;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (message) => this.take(message as Answer));
    child.once('exit', (code, signal) => {
      const fault = new Error(`A program of the benchmark ended (${signal ?? `exit code ${code}`}).`);
      for (const { reject } of this.waiting.values()) reject(fault);
    });
  }

  /** `file`: beside the harness; it calls `answer()` once it is ready. */
  static async start(file: string, setup: unknown, options: ProgramOptions = {}): Promise<Program> {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    const node = [
      process.execPath,
      '--no-warnings',
      ...(options.nodeOptions ?? []),
      path,
      JSON.stringify(setup),
    ];
    const [command, ...args] = options.core === undefined ? node : [...taskset(options.core), ...node];
    const child = spawn(command ?? process.execPath, args, { stdio: ['ignore', 2, 2, 'ipc'] });
    const program = new Program(child);
    await program.ask('isReady');
    return program;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  ask<T>(name: string, ...args: unknown[]): Promise<T> {
    const id = (this.asked += 1);
    const answer = Promise.withResolvers<unknown>();
    this.waiting.set(id, answer);
    if (this.child.connected) this.child.send({ id, name, args } satisfies Question);
    return answer.promise as Promise<T>;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }

  private take({ id, answer, fault }: Answer): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (fault === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(fault));
  }
}

/** What a program was started with. */
export function givenSetup(): unknown {
  return JSON.parse(process.argv[2] ?? 'null');
}

/** The other side: answers from here on, until nobody can ask any more; then `stop`, and the process ends. */
export function answer(handlers: Handlers, stop: () => unknown = () => {}): void {
  const known: Handlers = { isReady: () => true, ...handlers };
  process.on('message', (message) => void reply(message as Question));
  process.once('disconnect', () => void end());

  async function reply({ id, name, args }: Question): Promise<void> {
    try {
      const handler = known[name];
      if (!handler) throw new Error(`Nobody here knows about ${name}.`);
      process.send?.({ id, answer: await handler(...(args as never[])) } satisfies Answer);
    } catch (error) {
      process.send?.({ id, fault: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }

  async function end(): Promise<void> {
    await stop();
    process.exit();
  }
}
