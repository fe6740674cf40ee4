import { RecentRates } from '../../domain/rates/recent-rates.js';
import type { RateEvent } from '../../domain/rates/rate-count.js';
import { refuseOldNode } from '../../domain/supported-node.js';
import { SessionStore } from '../../ports/store/session-store.js';
import { makeGroups, type OperationName } from '../../ports/store/store-groups.js';
import { MIGRATIONS } from './database/schema.js';
import { schemaWith } from './database/sqlite.migration.js';
import { sqliteOperations } from './sqlite.operations.js';
import { SqliteBatch } from './sqlite.batch.js';
import { openMemoryDatabase } from './database/sqlite.database.js';
import { NOT_CONNECTED, errorOf, unavailable } from './database/sqlite.errors.js';

/**
 * Sessions in the memory of this process, for tests and development: the SQLite store without a file and threads. Each call
 * blocks the event loop until it is answered. The data last as long as the object: like a store on disk, it can be connected
 * again after `close`.
 */
export class MemorySessionStore extends SessionStore {
  override readonly kind = 'memory';
  readonly #engine: Engine;

  constructor() {
    const engine = new Engine();
    super(
      makeGroups(
        (name) =>
          async (...args) =>
            engine.perform(name, args),
      ),
    );
    this.#engine = engine;
  }

  override async connect(): Promise<void> {
    refuseOldNode(process.versions.node);
    this.#engine.connect();
  }

  override async close(): Promise<void> {
    this.#engine.isConnected = false;
  }
}

class Engine {
  isConnected = false;
  readonly #rates = new RecentRates();
  #batch: SqliteBatch | null = null;

  connect(): void {
    this.#batch ??= openBatch();
    this.isConnected = true;
  }

  perform(name: OperationName, args: readonly unknown[]): unknown {
    if (!this.isConnected || this.#batch === null) throw errorOf(unavailable(NOT_CONNECTED));
    if (name === 'rates.count') return this.#rates.count(args[0] as RateEvent);
    const [reply] = this.#batch.run([{ id: 0, name, args: JSON.stringify(args) }]) ?? [];
    if (reply === undefined) throw new TypeError(`${name} was not answered`);
    if ('fault' in reply) throw errorOf(reply.fault);
    return JSON.parse(reply.answer);
  }
}

function openBatch(): SqliteBatch {
  const db = openMemoryDatabase();
  return new SqliteBatch(db, sqliteOperations(db), schemaWith(MIGRATIONS));
}
