import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Question, RemoteCall, RemoteCalls, RemoteSettings } from './protocol.ts';

const PROGRAM = new URL('remote-process.ts', import.meta.url);

export interface Surroundings {
  readonly env?: NodeJS.ProcessEnv;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A remote server in a process of its own, as its parent sees it. */
export class RemoteServer {
  readonly ask: RemoteCalls;
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (message: Answer) => this.receive(message));
    child.once('exit', (code, signal) => {
      const error = new Error(`The remote server is gone (${signal ?? code})`);
      for (const waiting of this.waiting.values()) waiting.reject(error);
    });
    this.ask = new Proxy({} as RemoteCalls, {
      get:
        (_target, call) =>
        (...args: readonly unknown[]) =>
          this.send(call as RemoteCall, args),
    });
  }

  static async start(
    settings: RemoteSettings,
    { env = process.env }: Surroundings = {},
  ): Promise<RemoteServer> {
    const child = fork(PROGRAM, [JSON.stringify(settings)], { env });
    const isGone = once(child, 'exit').then(() => 'gone');
    if ((await Promise.race([once(child, 'message'), isGone])) === 'gone') {
      throw new Error('The remote server did not start');
    }
    return new RemoteServer(child);
  }

  /** SIGSTOP and SIGCONT among others. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Lets it go down as a server does; by force where it does not. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGCONT');
    this.child.kill(signal);
    const force = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(force);
  }

  private send(call: RemoteCall, args: readonly unknown[]): Promise<unknown> {
    this.lastId += 1;
    const question: Question = { id: this.lastId, call, args };
    return new Promise((resolve, reject) => {
      this.waiting.set(question.id, { resolve, reject });
      this.child.send(question, (error) => error && reject(error));
    });
  }

  private receive(message: Answer): void {
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if ('answer' in message) waiting?.resolve(message.answer);
    else waiting?.reject(new Error(message.failure));
  }
}
