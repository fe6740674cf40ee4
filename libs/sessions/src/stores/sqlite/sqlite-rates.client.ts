import type { OperationName } from '../../ports/store/store-groups.js';
import { removeDatabase } from './database/database-file.js';
import { errorOf, NOT_CONNECTED, unavailable, type Fault } from './database/sqlite.errors.js';
import { SqliteThread } from './sqlite.thread.js';

/** Maximum calls per transaction. */
const MAX_BATCH = 512;

/**
 * One thread on the database of rates, which begins with the first count. A database that is damaged, or was taken away, is
 * replaced by a new one with the next count after the one that failed.
 */
export class SqliteRatesClient {
  isOpen = false;
  #thread: SqliteThread | null = null;

  constructor(
    private readonly path: string,
    private readonly busyTimeoutMs: number,
  ) {}

  call(name: OperationName, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (fault: Fault): void => reject(errorOf(fault));
      if (!this.isOpen) return fail(unavailable(NOT_CONNECTED));
      const answer = (json: string): void => resolve(JSON.parse(json));
      this.#thread ??= this.#newThread();
      this.#thread.send({ name, args: JSON.stringify(args), answer, fail, isRetry: false });
    });
  }

  async close(): Promise<void> {
    this.isOpen = false;
    await this.#thread?.close();
    this.#thread = null;
  }

  #newThread(): SqliteThread {
    const { path, busyTimeoutMs } = this;
    return new SqliteThread(
      'rates',
      {
        contents: 'rates',
        path,
        busyTimeoutMs,
        mustExist: false,
        maxBytes: null,
        migrations: [],
        silent: [],
        maxBatch: MAX_BATCH,
      },
      { file: null, onDiskFull: null, onReply: (fault, thread) => this.#note(fault, thread) },
    );
  }

  #note(fault: Fault | null, thread: SqliteThread): void {
    if (!fault?.trouble || this.#thread !== thread) return;
    this.#thread = null;
    if (fault.trouble === 'damaged') removeDatabase(this.path);
    void thread.close();
  }
}
