import { Worker } from 'node:worker_threads';
import { threadOptionsOf } from '../../domain/supported-node.js';
import { PendingCalls } from './pending-calls.js';
import { unavailable, type Fault } from './database/sqlite.errors.js';
import type { Call, FromWorker, Reply, ToWorker, WorkerOptions } from './sqlite.messages.js';
import type { OperationName } from '../../ports/store/store-groups.js';

/** Calls leave only short-lived garbage: with V8's default limit, a thread needs 10 MB more. */
const YOUNG_MEGABYTES = 4;

export type ThreadOptions = Omit<WorkerOptions, 'file'>;

/** What the threads of one client share. */
export interface ThreadHooks {
  /** The file that the first thread opened: the others open no other one. `null` before. */
  file: string | null;
  /** Called with each reply. */
  readonly onReply: (fault: Fault | null, thread: SqliteThread) => void;
  /** Gets the calls that failed on a full disk, each once, and must answer them. `null`: they fail. */
  readonly onDiskFull: ((unwritten: readonly Pending[], thread: SqliteThread) => void) | null;
}

/** A call without a reply yet. */
export interface Pending {
  readonly name: OperationName;
  readonly args: string;
  readonly answer: (json: string) => void;
  readonly fail: (fault: Fault) => void;
  readonly isRetry: boolean;
}

/**
 * The main thread's side of one worker: sends calls and delivers replies. If the worker dies, pending calls are rejected and
 * never sent again, as they may have been executed; the next call starts a new worker. It keeps the process alive only
 * while an answer is pending.
 */
export class SqliteThread {
  #worker: Worker | null = null;
  #closing = false;
  #outbox: Call[] = [];
  #isGathering = false;
  readonly #pending = new PendingCalls<Pending>();

  constructor(
    private readonly name: string,
    private readonly options: ThreadOptions,
    private readonly hooks: ThreadHooks,
  ) {}

  /** Resolves with `null` once the worker has opened the database, or with the fault that prevented it. */
  start(options: ThreadOptions = this.options): Promise<Fault | null> {
    return new Promise((resolve) => {
      const { contents, path, mustExist, busyTimeoutMs, maxBytes, maxBatch, migrations, silent } = options;
      const { file } = this.hooks;
      const worker = new Worker(new URL('./sqlite.worker.js', import.meta.url), {
        name: `nest-sessions-sqlite-${this.name}`,
        workerData: {
          contents,
          path,
          mustExist,
          busyTimeoutMs,
          maxBytes,
          maxBatch,
          migrations,
          silent,
          file,
        } satisfies WorkerOptions,
        ...threadOptionsOf(process.execArgv),
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
      });
      this.#worker = worker;
      let crash: string | null = null;
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'opened') {
          this.hooks.file ??= message.file;
          resolve(null);
          this.#release();
        }
        if (message.kind === 'refused') {
          resolve(message.fault);
          this.#lose(worker, message.fault);
        }
        // The calls of a lost worker have failed, and others may have their ids.
        if (message.kind === 'replies' && this.#worker === worker) this.#receive(message.replies);
      });
      worker.on('error', (error: unknown) => {
        crash = error instanceof Error ? error.message : String(error);
      });
      worker.on('exit', () => {
        const fault = unavailable(
          'The thread of the session store stopped: the next call starts a new one',
          crash,
        );
        resolve(fault);
        this.#lose(worker, fault);
      });
    });
  }

  /** Whether calls of the current turn of the event loop have been collected and not sent yet. */
  get isGathering(): boolean {
    return this.#isGathering;
  }

  send(pending: Pending): void {
    const { name, args } = pending;
    this.#outbox.push({ id: this.#pending.add(pending), name, args });
    // All calls of one round of the event loop share one message and one transaction.
    if (this.#outbox.length === 1) setImmediate(() => this.#flush());
    if (this.#isGathering) return;
    this.#isGathering = true;
    queueMicrotask(() => (this.#isGathering = false));
  }

  /** Answers pending calls, then closes the database. */
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
    // A restart must not silently replace a deleted database by an empty one.
    if (this.#worker === null) void this.start({ ...this.options, mustExist: true });
    this.#worker?.ref();
    post(this.#worker, { kind: 'calls', calls: this.#outbox });
    this.#outbox = [];
  }

  #receive(replies: readonly Reply[]): void {
    const unwritten: Pending[] = [];
    for (const reply of replies) {
      const pending = this.#pending.take(reply.id);
      if (pending === null) continue;
      this.hooks.onReply('fault' in reply ? reply.fault : null, this);
      if ('answer' in reply) pending.answer(reply.answer);
      else if (this.hooks.onDiskFull && reply.fault.diskFull && !pending.isRetry) unwritten.push(pending);
      else pending.fail(reply.fault);
    }
    if (unwritten.length > 0) this.hooks.onDiskFull?.(unwritten, this);
    this.#release();
  }

  /** Lets the process exit while neither answers nor a close are pending. */
  #release(): void {
    if (!this.#closing && this.#pending.size === 0) this.#worker?.unref();
  }

  #lose(worker: Worker, fault: Fault): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.hooks.onReply(fault, this);
    this.#outbox = [];
    for (const { fail } of this.#pending.takeAll()) fail(fault);
  }
}

function post(worker: Worker | null, message: ToWorker): void {
  worker?.postMessage(message, []);
}
