import { Worker } from 'node:worker_threads';

export interface WorkerThreadOptions {
  /** For debuggers and profiles. */
  readonly name: string;
  readonly file: URL;
  /** Its `workerData`. */
  readonly data: object;
  /** The error for what was not answered. */
  readonly lost: (cause?: unknown) => Error;
}

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A thread that answers each message with one, in their order. It is started by the first, keeps the process alive only
 * while an answer is due, and dies on `close`. One that died by itself is replaced at the next message; what it had not
 * answered is rejected.
 */
export class WorkerThread<Message, Answer> {
  private worker: Worker | null = null;
  private readonly waiting: Waiting<Answer>[] = [];
  private closed = false;

  constructor(private readonly options: WorkerThreadOptions) {}

  ask(message: Message): Promise<Answer> {
    if (this.closed) return Promise.reject(this.options.lost());
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
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
    // The process's own arguments may not suit a file: --input-type, for one.
    const worker = new Worker(file, { name: `nest-sessions ${name}`, workerData: data, execArgv: [] });
    worker.on('message', (answer: Answer) => {
      this.waiting.shift()?.resolve(answer);
      if (this.waiting.length === 0) worker.unref();
    });
    worker.on('error', (error) => this.lose(worker, error));
    worker.on('exit', () => this.lose(worker));
    return worker;
  }

  private lose(worker: Worker, cause?: unknown): void {
    if (this.worker !== worker) return;
    this.worker = null;
    this.fail(cause);
  }

  private fail(cause?: unknown): void {
    for (const { reject } of this.waiting.splice(0)) reject(this.options.lost(cause));
  }
}
