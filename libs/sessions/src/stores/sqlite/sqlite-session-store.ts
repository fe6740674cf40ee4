import { resolve } from 'node:path';
import { refuseOldNode } from '../../domain/supported-node.js';
import { SessionStore } from '../../ports/store/session-store.js';
import { makeGroups } from '../../ports/store/store-groups.js';
import { MIGRATIONS } from './database/schema.js';
import type { Holder, StoreTrouble } from '../../ports/store/store-trouble.js';
import { SqliteRatesClient } from './sqlite-rates.client.js';
import { SqliteClient } from './sqlite.client.js';

export interface SqliteSessionStoreOptions {
  /** Path of the database. A missing folder is created, private to this user (mode 700). */
  readonly path: string;
  /** Whether `connect` rejects with `STORE_UNAVAILABLE` if there is no database, and creates none. Default: false. */
  readonly mustExist?: boolean;
  /**
   * Milliseconds to wait for locks of other processes before rejecting with `STORE_UNAVAILABLE`; writes in the background
   * wait five times as long, and opening at least 5000. Default: 1000.
   */
  readonly busyTimeoutMs?: number;
  /** Maximum size of the database in bytes; at it the store acts as on a full disk. Default: none. */
  readonly maxBytes?: number;
  /** Called to free space when the disk is full; failed writes are then retried once. Default: they reject. */
  readonly onDiskFull?: () => Promise<void>;
}

/**
 * Sessions in one SQLite file, shared by any number of processes of one machine. Worker threads do all work: the event loop
 * never waits for a lock or the disk. Concurrent calls share a commit, and each promise resolves once its commit is on the
 * disk. Reads have their own threads and wait for no write, small ones for no list. The threads keep the process alive only
 * while an answer is pending. Rates have a database of their own beside it, `<path>-rates`, which forces nothing to the disk.
 */
export class SqliteSessionStore extends SessionStore {
  override readonly kind = 'sqlite';
  readonly #client: SqliteClient;
  readonly #rates: SqliteRatesClient;

  /** `migrations`: the steps from the first schema to that of this version. */
  constructor(options: SqliteSessionStoreOptions, migrations: readonly string[] = MIGRATIONS) {
    const path = resolve(options.path);
    const { busyTimeoutMs = 1000 } = options;
    const client = new SqliteClient({
      path,
      mustExist: options.mustExist ?? false,
      busyTimeoutMs,
      maxBytes: options.maxBytes ?? null,
      onDiskFull: options.onDiskFull ?? null,
      migrations,
    });
    const rates = new SqliteRatesClient(`${path}-rates`, busyTimeoutMs);
    super(
      makeGroups(
        (name) =>
          (...args) =>
            (name === 'rates.count' ? rates : client).call(name, args),
      ),
    );
    this.#client = client;
    this.#rates = rates;
  }

  override async connect(silent: readonly Holder[] = []): Promise<void> {
    // An older Node.js has no SQLite, so the worker threads could not report it.
    refuseOldNode(process.versions.node);
    await this.#client.connect(silent);
    this.#rates.isOpen = true;
  }

  override get trouble(): StoreTrouble | null {
    return this.#client.trouble;
  }

  override async close(): Promise<void> {
    await Promise.all([this.#client.close(), this.#rates.close()]);
  }
}
