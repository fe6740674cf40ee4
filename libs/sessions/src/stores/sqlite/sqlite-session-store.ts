import { resolve } from 'node:path';
import { refuseOldNode } from '../../domain/supported-node.js';
import { SessionStore } from '../../ports/session-store.js';
import { makeGroups } from '../../ports/store-groups.js';
import { SqliteClient } from './sqlite.client.js';

export interface SqliteSessionStoreOptions {
  /** Where the database is or shall be. Its folder is made, for this user alone, where it is missing. */
  readonly path: string;
  /** Whether `connect` rejects with `STORE_UNAVAILABLE`, and makes nothing, where there is no database yet. Default: no. */
  readonly mustExist?: boolean;
  /** How long an operation waits for other processes before it rejects with `STORE_UNAVAILABLE`. Default: 5,000. */
  readonly busyTimeoutMs?: number;
  /** The size beyond which the database does not grow, as if the disk were full. Default: none. */
  readonly maxBytes?: number;
  /** Called when the disk is full, to make room; what could not be written is then tried once more. */
  readonly onDiskFull?: () => Promise<void>;
}

/**
 * Sessions in one SQLite file, shared by any number of processes of one machine. All work is done in worker threads:
 * the event loop never waits for a lock or for the disk. What is asked for at the same time is committed together, and
 * each promise resolves once its commit is on the disk. Reads have a thread of their own, and wait for no write. The
 * threads keep the process alive only while an answer is due.
 */
export class SqliteSessionStore extends SessionStore {
  override readonly kind = 'sqlite';
  readonly #client: SqliteClient;

  constructor(options: SqliteSessionStoreOptions) {
    const client = new SqliteClient({
      path: resolve(options.path),
      mustExist: options.mustExist ?? false,
      busyTimeoutMs: options.busyTimeoutMs ?? 5000,
      maxBytes: options.maxBytes ?? null,
      onDiskFull: options.onDiskFull ?? null,
    });
    super(
      makeGroups(
        (name) =>
          (...args) =>
            client.call(name, args),
      ),
    );
    this.#client = client;
  }

  override async connect(): Promise<void> {
    // An older Node.js has no SQLite: the worker threads could not even say so.
    refuseOldNode(process.versions.node);
    return this.#client.connect();
  }

  override close(): Promise<void> {
    return this.#client.close();
  }
}
