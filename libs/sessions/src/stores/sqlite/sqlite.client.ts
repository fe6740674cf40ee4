import { isRead, type OperationName } from '../../ports/store-groups.js';
import { errorOf, unavailable, type Fault } from './sqlite.errors.js';
import type { WorkerOptions } from './sqlite.messages.js';
import { SqliteThread, type Pending } from './sqlite.thread.js';

export interface ClientOptions extends WorkerOptions {
  readonly onDiskFull: (() => Promise<void>) | null;
}

/**
 * Two threads on one database: one writes, the other only reads. So a read never waits for a write that waits itself,
 * for another process's lock or for a disk that hangs; it sees every write that was answered before it was asked for.
 */
export class SqliteClient {
  #state: 'new' | 'connected' | 'closed' = 'new';
  #connecting: Promise<void> | null = null;
  #makingRoom: Promise<void> | null = null;
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
      if (this.#state !== 'connected') return fail(unavailable('The session store is not connected'));
      const answer = (json: string): void => resolve(JSON.parse(json));
      // Asked for in one turn with a write, and after it, a read sees it, answered or not.
      const thread = isRead(name) && !this.#writer.isGathering ? this.#reader : this.#writer;
      thread.send({ name, args: JSON.stringify(args), answer, fail, isRetry: false });
    });
  }

  async close(): Promise<void> {
    await this.#connecting?.catch(() => undefined);
    this.#state = 'closed';
    // The last one to close puts the database in order.
    await this.#reader.close();
    await this.#writer.close();
  }

  /** What is there already is opened by both threads at once; what may have to be made, by the writer first. */
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
    return (await this.#makeRoom()) ?? (await thread.start());
  }

  #retrier(thread: () => SqliteThread): ((starved: readonly Pending[]) => void) | null {
    return this.options.onDiskFull && ((starved) => void this.#retry(thread(), starved));
  }

  /** Nothing of these was done, so they can be sent again. */
  async #retry(thread: SqliteThread, starved: readonly Pending[]): Promise<void> {
    const fault = await this.#makeRoom();
    for (const pending of starved) {
      if (fault === null && this.#state === 'connected') thread.send({ ...pending, isRetry: true });
      else pending.fail(fault ?? unavailable('The session store was closed'));
    }
  }

  /** However many batches ran out of room at once, it is made once. */
  async #makeRoom(): Promise<Fault | null> {
    this.#makingRoom ??= Promise.resolve(this.options.onDiskFull?.()).finally(() => {
      this.#makingRoom = null;
    });
    try {
      await this.#makingRoom;
      return null;
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return unavailable(
        'The disk that holds the session database is full, and no room could be made',
        cause,
      );
    }
  }
}
