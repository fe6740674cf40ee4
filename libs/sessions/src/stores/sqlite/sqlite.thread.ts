import { Worker } from 'node:worker_threads';
import { unavailable, type Fault } from './sqlite.errors.js';
import type { Call, FromWorker, Reply, ToWorker, WorkerOptions } from './sqlite.messages.js';
import type { OperationName } from '../../ports/store-groups.js';

/** What a call leaves is garbage as soon as it is answered: with V8's own limit, a thread takes 10 MB more for the same. */
const YOUNG_MEGABYTES = 4;

/** A call that waits for its reply. */
export interface Pending {
  readonly name: OperationName;
  readonly args: string;
  readonly answer: (json: string) => void;
  readonly fail: (fault: Fault) => void;
  readonly isRetry: boolean;
}

/**
 * The main thread's side of one worker: sends it calls and hands out its replies. A worker that died is replaced at the
 * next call; what it had not answered is rejected, and never sent again, for it may have been done. It keeps the process
 * alive only while an answer is due.
 */
export class SqliteThread {
  #worker: Worker | null = null;
  #closing = false;
  #lastId = 0;
  #outbox: Call[] = [];
  #isGathering = false;
  readonly #pending = new Map<number, Pending>();

  /** `onStarved` gets what failed for want of room, once, and has to see to its answer. */
  constructor(
    private readonly name: string,
    private readonly options: WorkerOptions,
    private readonly onStarved: ((starved: readonly Pending[]) => void) | null,
  ) {}

  /** Why the worker could not open the database, or `null` once it has. */
  start(options: WorkerOptions = this.options): Promise<Fault | null> {
    return new Promise((resolve) => {
      const { path, mustExist, busyTimeoutMs, maxBytes } = options;
      const worker = new Worker(new URL('./sqlite.worker.js', import.meta.url), {
        name: `nest-sessions-sqlite-${this.name}`,
        workerData: { path, mustExist, busyTimeoutMs, maxBytes },
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
      });
      this.#worker = worker;
      let crash: string | null = null;
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'opened') {
          resolve(null);
          this.#release();
        }
        if (message.kind === 'refused') {
          resolve(message.fault);
          this.#lose(worker, message.fault);
        }
        if (message.kind === 'replies') this.#receive(message.replies);
      });
      worker.on('error', (error: unknown) => {
        crash = error instanceof Error ? error.message : String(error);
      });
      worker.on('exit', () => {
        const fault = unavailable('The thread of the session store stopped', crash);
        resolve(fault);
        this.#lose(worker, fault);
      });
    });
  }

  /** Whether something was sent in the turn that is under way, and is not on its way yet. */
  get isGathering(): boolean {
    return this.#isGathering;
  }

  send(pending: Pending): void {
    this.#lastId += 1;
    const { name, args } = pending;
    this.#pending.set(this.#lastId, pending);
    this.#outbox.push({ id: this.#lastId, name, args });
    // What all callbacks of one round of the event loop ask for travels as one message, and is one transaction.
    if (this.#outbox.length === 1) setImmediate(() => this.#flush());
    if (this.#isGathering) return;
    this.#isGathering = true;
    queueMicrotask(() => (this.#isGathering = false));
  }

  /** Answers what was asked for, and closes the database. */
  async close(): Promise<void> {
    this.#closing = true;
    const worker = this.#worker;
    if (worker === null) return;
    this.#flush();
    worker.ref();
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    post(worker, { kind: 'close' });
    await exited;
  }

  #flush(): void {
    if (this.#outbox.length === 0) return;
    // A store that vanished is not replaced by an empty one behind everybody's back.
    if (this.#worker === null) void this.start({ ...this.options, mustExist: true });
    this.#worker?.ref();
    post(this.#worker, { kind: 'calls', calls: this.#outbox });
    this.#outbox = [];
  }

  #receive(replies: readonly Reply[]): void {
    const starved: Pending[] = [];
    for (const reply of replies) {
      const pending = this.#pending.get(reply.id);
      if (pending === undefined) continue;
      this.#pending.delete(reply.id);
      if ('answer' in reply) pending.answer(reply.answer);
      else if (this.onStarved && reply.fault.diskFull && !pending.isRetry) starved.push(pending);
      else pending.fail(reply.fault);
    }
    if (starved.length > 0) this.onStarved?.(starved);
    this.#release();
  }

  /** Lets the process exit while nothing is being waited for, not even a close. */
  #release(): void {
    if (!this.#closing && this.#pending.size === 0) this.#worker?.unref();
  }

  #lose(worker: Worker, fault: Fault): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    this.#outbox = [];
    for (const { fail } of lost) fail(fault);
  }
}

function post(worker: Worker | null, message: ToWorker): void {
  worker?.postMessage(message, []);
}
