import { Worker } from 'node:worker_threads';
import { threadOptionsOf } from '../../../domain/supported-node.js';

export interface WorkerThreadOptions {
  /** Shown by debuggers and profilers. */
  readonly name: string;
  readonly file: URL;
  /** What the worker reads as `workerData`. */
  readonly data: object;
  /** Makes the error for unanswered messages. */
  readonly lost: (cause?: unknown) => Error;
}

interface Pending<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A thread that answers each message with one message, in order. The first message starts it; it keeps the process alive
 * only while an answer is pending; `close` terminates it. If it dies, pending messages are rejected, and the next message
 * starts a new thread.
 */
export class WorkerThread<Message, Answer> {
  private worker: Worker | null = null;
  private readonly pending: Pending<Answer>[] = [];
  private closed = false;

  constructor(private readonly options: WorkerThreadOptions) {}

  ask(message: Message): Promise<Answer> {
    if (this.closed) return Promise.reject(this.options.lost());
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject });
      this.worker ??= this.start();
      this.worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      this.worker.postMessage(message);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.worker?.terminate();
    this.fail();
  }

  private start(): Worker {
    const { name, file, data } = this.options;
    const worker = new Worker(file, {
      name: `nest-sessions ${name}`,
      workerData: data,
      ...threadOptionsOf(process.execArgv),
    });
    worker.on('message', (answer: Answer) => {
      this.pending.shift()?.resolve(answer);
      if (this.pending.length === 0) worker.unref();
    });
    worker.on('error', (error) => this.onDeath(worker, error));
    worker.on('exit', () => this.onDeath(worker));
    return worker;
  }

  private onDeath(worker: Worker, cause?: unknown): void {
    if (this.worker !== worker) return;
    this.worker = null;
    this.fail(cause);
  }

  private fail(cause?: unknown): void {
    for (const { reject } of this.pending.splice(0)) reject(this.options.lost(cause));
  }
}
