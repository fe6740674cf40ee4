import { isRead, kindOf, type OperationName } from '../../ports/store/store-groups.js';
import type { Holder, StoreTrouble } from '../../ports/store/store-trouble.js';
import type { DatabaseOptions } from './database/sqlite.database.js';
import { NOT_CONNECTED, errorOf, unavailable, type Fault } from './database/sqlite.errors.js';
import { SqliteThread, type Pending, type ThreadHooks, type ThreadOptions } from './sqlite.thread.js';

export interface ClientOptions extends DatabaseOptions {
  readonly onDiskFull: (() => Promise<void>) | null;
  readonly migrations: readonly string[];
}

/** Maximum calls per transaction, so that other processes get the lock in between. */
const MAX_BATCH = 512;

/**
 * Three threads on one database: one writes, two only read. So a small read never waits for a write that is blocked by a
 * lock or a hanging disk, nor for a list; it sees every write that was answered before the call. The thread for lists
 * answers one call at a time, so that no message is larger than one answer.
 */
export class SqliteClient {
  #state: 'new' | 'connected' | 'closed' = 'new';
  #connecting: Promise<void> | null = null;
  #freeingSpace: Promise<void> | null = null;
  #isDamaged = false;
  #misplaced: Fault | null = null;
  readonly #writing: ThreadOptions;
  readonly #writer: SqliteThread;
  readonly #reader: SqliteThread;
  readonly #lister: SqliteThread;

  constructor(private readonly options: ClientOptions) {
    const hooks: ThreadHooks = {
      file: null,
      onReply: (fault, thread) => this.#note(fault, thread),
      onDiskFull: options.onDiskFull && ((unwritten, thread) => void this.#retry(thread, unwritten)),
    };
    const { path, mustExist, busyTimeoutMs, maxBytes, migrations } = options;
    const writing: ThreadOptions = {
      contents: 'sessions',
      path,
      mustExist,
      busyTimeoutMs,
      maxBytes,
      migrations,
      silent: [],
      maxBatch: MAX_BATCH,
    };
    this.#writing = writing;
    const reading = { ...writing, mustExist: true };
    this.#writer = new SqliteThread('writer', writing, hooks);
    this.#reader = new SqliteThread('reader', reading, hooks);
    this.#lister = new SqliteThread('lister', { ...reading, maxBatch: 1 }, hooks);
  }

  /** What is wrong with the database file; `null` for nothing. */
  get trouble(): StoreTrouble | null {
    return this.#misplaced?.trouble ?? (this.#isDamaged ? 'damaged' : null);
  }

  connect(silent: readonly Holder[]): Promise<void> {
    if (this.#state === 'connected') return Promise.resolve();
    this.#connecting ??= this.#connect(silent).finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  call(name: OperationName, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (fault: Fault): void => reject(errorOf(fault));
      if (this.#state !== 'connected') return fail(unavailable(NOT_CONNECTED));
      const answer = (json: string): void => resolve(JSON.parse(json));
      // Writes look whether the file is back.
      if (this.#misplaced !== null && isRead(name)) return fail(this.#misplaced);
      this.#threadOf(name).send({ name, args: JSON.stringify(args), answer, fail, isRetry: false });
    });
  }

  #threadOf(name: OperationName): SqliteThread {
    // A read sees earlier writes of the same turn of the event loop, even before they are answered.
    if (!isRead(name) || this.#writer.isGathering) return this.#writer;
    return kindOf(name) === 'list' ? this.#lister : this.#reader;
  }

  #note(fault: Fault | null, thread: SqliteThread): void {
    if (fault?.trouble === 'damaged') this.#isDamaged = true;
    else if (fault?.trouble) this.#misplaced = fault;
    else if (fault === null && thread === this.#writer) this.#misplaced = null;
  }

  async close(): Promise<void> {
    await this.#connecting?.catch(() => undefined);
    this.#state = 'closed';
    // The writer last: the last connection to close checkpoints the database.
    await Promise.all([this.#reader.close(), this.#lister.close()]);
    await this.#writer.close();
  }

  /**
   * All threads open an existing database concurrently; one that may be missing is opened by the writer first. None opens it
   * later: a full disk or a lack of descriptors must not keep the first list from its answer.
   */
  async #connect(silent: readonly Holder[]): Promise<void> {
    const writing = this.#begin(this.#writer, { ...this.#writing, silent });
    const beginReaders = async (): Promise<Fault | null> => {
      const faults = await Promise.all([this.#begin(this.#reader), this.#begin(this.#lister)]);
      return faults.find((fault) => fault !== null) ?? null;
    };
    const reading = this.options.mustExist
      ? beginReaders()
      : writing.then((fault) => fault ?? beginReaders());
    const [writersFault, readersFault] = await Promise.all([writing, reading]);
    const fault = writersFault ?? readersFault;
    if (fault !== null) throw errorOf(fault);
    this.#state = 'connected';
  }

  async #begin(thread: SqliteThread, options?: ThreadOptions): Promise<Fault | null> {
    const fault = await thread.start(options);
    if (fault?.diskFull !== true || this.options.onDiskFull === null) return fault;
    return (await this.#freeSpace()) ?? (await thread.start(options));
  }

  /** The failed transaction changed nothing, so its calls can be sent again. */
  async #retry(thread: SqliteThread, unwritten: readonly Pending[]): Promise<void> {
    const fault = await this.#freeSpace();
    for (const pending of unwritten) {
      if (fault === null && this.#state === 'connected') thread.send({ ...pending, isRetry: true });
      else pending.fail(fault ?? unavailable('The session store was closed before the retry'));
    }
  }

  /** Concurrent failures call `onDiskFull` once. */
  async #freeSpace(): Promise<Fault | null> {
    this.#freeingSpace ??= Promise.resolve(this.options.onDiskFull?.()).finally(() => {
      this.#freeingSpace = null;
    });
    try {
      await this.#freeingSpace;
      return null;
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return unavailable(
        'The disk of the session database is full, and freeing space failed: free some by hand',
        cause,
      );
    }
  }
}
