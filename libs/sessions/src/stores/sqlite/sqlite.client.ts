import { isRead, type OperationName } from '../../ports/store-groups.js';
import { NOT_CONNECTED, errorOf, unavailable, type Fault } from './sqlite.errors.js';
import type { WorkerOptions } from './sqlite.messages.js';
import { SqliteThread, type Pending } from './sqlite.thread.js';

export interface ClientOptions extends WorkerOptions {
  readonly onDiskFull: (() => Promise<void>) | null;
}

/**
 * Two threads on one database: one writes, the other only reads. So a read never waits for a write that is blocked by a
 * lock or a hanging disk; it sees every write that was answered before the call.
 */
export class SqliteClient {
  #state: 'new' | 'connected' | 'closed' = 'new';
  #connecting: Promise<void> | null = null;
  #freeingSpace: Promise<void> | null = null;
  readonly #writer: SqliteThread;
  readonly #reader: SqliteThread;

  constructor(private readonly options: ClientOptions) {
    this.#writer = new SqliteThread(
      'writer',
      options,
      this.#retrier(() => this.#writer),
    );
    this.#reader = new SqliteThread(
      'reader',
      { ...options, mustExist: true },
      this.#retrier(() => this.#reader),
    );
  }

  connect(): Promise<void> {
    if (this.#state === 'connected') return Promise.resolve();
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  call(name: OperationName, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (fault: Fault): void => reject(errorOf(fault));
      if (this.#state !== 'connected') return fail(unavailable(NOT_CONNECTED));
      const answer = (json: string): void => resolve(JSON.parse(json));
      // A read sees earlier writes of the same turn of the event loop, even before they are answered.
      const thread = isRead(name) && !this.#writer.isGathering ? this.#reader : this.#writer;
      thread.send({ name, args: JSON.stringify(args), answer, fail, isRetry: false });
    });
  }

  async close(): Promise<void> {
    await this.#connecting?.catch(() => undefined);
    this.#state = 'closed';
    // The writer last: the last connection to close checkpoints the database.
    await this.#reader.close();
    await this.#writer.close();
  }

  /** Both threads open an existing database concurrently; one that may be missing is opened by the writer first. */
  async #connect(): Promise<void> {
    const writing = this.#begin(this.#writer);
    const reading = this.options.mustExist
      ? this.#begin(this.#reader)
      : writing.then((fault) => fault ?? this.#begin(this.#reader));
    const [writersFault, readersFault] = await Promise.all([writing, reading]);
    const fault = writersFault ?? readersFault;
    if (fault !== null) throw errorOf(fault);
    this.#state = 'connected';
  }

  async #begin(thread: SqliteThread): Promise<Fault | null> {
    const fault = await thread.start();
    if (fault?.diskFull !== true || this.options.onDiskFull === null) return fault;
    return (await this.#freeSpace()) ?? (await thread.start());
  }

  #retrier(thread: () => SqliteThread): ((unwritten: readonly Pending[]) => void) | null {
    return this.options.onDiskFull && ((unwritten) => void this.#retry(thread(), unwritten));
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
