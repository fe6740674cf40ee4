import { Worker } from 'node:worker_threads';
import type { EntryOutcome } from './trash-removal.js';
import { unavailable } from './storage-error.js';

/** Entries handed over at once: few, so that what somebody waits for is not long in coming. */
const BATCH = 16;

interface Job {
  readonly name: string;
  readonly resolve: (outcome: EntryOutcome) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Has entries of the trash deleted in a thread of its own, so that the event loop never waits for the disk. The thread
 * is started when there is something to do, keeps the process alive only while there is, and dies on `close`.
 */
export class TrashThread {
  private worker: Worker | null = null;
  private readonly urgent: Job[] = [];
  private readonly waiting: Job[] = [];
  private underWay: readonly Job[] = [];
  private closed = false;

  constructor(private readonly trash: string) {}

  /** Deletes this entry, before others if it is urgent. */
  remove(name: string, urgent: boolean): Promise<EntryOutcome> {
    if (this.closed) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      (urgent ? this.urgent : this.waiting).push({ name, resolve, reject });
      if (this.underWay.length === 0) this.handOver();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.worker?.terminate();
    this.fail();
  }

  private handOver(): void {
    this.underWay = (this.urgent.length > 0 ? this.urgent : this.waiting).splice(0, BATCH);
    if (this.underWay.length === 0) {
      this.worker?.unref();
      return;
    }
    this.worker ??= this.start();
    this.worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.worker.postMessage(this.underWay.map(({ name }) => name));
  }

  private start(): Worker {
    const worker = new Worker(new URL('./trash.worker.js', import.meta.url), {
      workerData: { trash: this.trash },
      name: 'nest-sessions trash',
      // The process's own may not suit a file: --input-type, for one.
      execArgv: [],
    });
    worker.on('message', (outcomes: readonly EntryOutcome[]) => {
      const done = this.underWay;
      this.underWay = [];
      for (const [index, job] of done.entries()) settle(job, outcomes[index]);
      this.handOver();
    });
    worker.on('error', (error) => this.lose(worker, error));
    worker.on('exit', () => this.lose(worker));
    return worker;
  }

  /** The thread is dead. What it was doing is tried again by who asks next, in a new one. */
  private lose(worker: Worker, error?: unknown): void {
    if (this.worker !== worker) return;
    this.worker = null;
    this.fail(error);
  }

  private fail(cause?: unknown): void {
    const lost = [...this.underWay, ...this.urgent.splice(0), ...this.waiting.splice(0)];
    this.underWay = [];
    for (const { reject } of lost) reject(stopped(cause));
  }
}

function settle(job: Job, outcome: EntryOutcome | undefined): void {
  if (outcome) job.resolve(outcome);
  else job.reject(stopped());
}

function stopped(cause?: unknown): Error {
  return unavailable('The trash is not being emptied: what is in it stays for the next time.', cause);
}
