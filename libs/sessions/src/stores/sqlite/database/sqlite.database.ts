import { existsSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { SessionsError } from '../../../domain/errors.js';
import { keepPrivate, prepareFile, removeDatabase } from './database-file.js';
import { faultOf, isBusy } from './sqlite.errors.js';
import { migrate, pragma, schemaWith, versionOf } from './sqlite.migration.js';
import type { Holder } from '../../../ports/store/store-trouble.js';
import { APPLICATION_ID, FIRST_SCHEMA, MIGRATIONS, RATES_SCHEMA } from './schema.js';
import { numberOf } from './values.js';

export interface DatabaseOptions {
  readonly path: string;
  readonly mustExist: boolean;
  readonly busyTimeoutMs: number;
  readonly maxBytes: number | null;
}

/** Older versions can corrupt a database in WAL mode that two processes write to. */
const OLDEST_SQLITE = [3, 51, 3] as const;

const MOVE = 'set storagePath (SESSION_STORAGE_PATH) to another folder';
const NO_DATABASE =
  'There is no session database at the configured path: check storagePath (SESSION_STORAGE_PATH), or start the server first';
/** Pause between attempts at a database that another program has locked. */
const RETRY_MS = 20;
const MEBIBYTE = 1024 * 1024;

/**
 * Opens the database; creates or migrates it if necessary, unless it must exist. Processes may call it at the same time.
 * Throws `StoreHeld` if it would migrate what others than the `silent` processes use.
 */
export function openDatabase(
  options: DatabaseOptions,
  migrations = MIGRATIONS,
  silent: readonly Holder[] = [],
): DatabaseSync {
  refuseOldSqlite(process.versions['sqlite'] ?? 'none');
  if (options.mustExist) requireDatabase(options.path);
  else prepareFile(options.path);
  const db = new (sqlite().DatabaseSync)(options.path, { timeout: options.busyTimeoutMs });
  try {
    // SQLite's busy timeout does not always cover a concurrent switch to WAL or recovery.
    whileBusy(options.busyTimeoutMs, () => setUp(db, options, migrations, silent));
    keepPrivate(options.path);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens the database of rates. It forces nothing to the disk, so a crash of the machine may damage it: then it begins anew, as
 * no count is worth a repair.
 */
export function openRatesDatabase(
  { path, busyTimeoutMs }: Pick<DatabaseOptions, 'path' | 'busyTimeoutMs'>,
  begins = true,
): DatabaseSync {
  refuseOldSqlite(process.versions['sqlite'] ?? 'none');
  prepareFile(path);
  const db = new (sqlite().DatabaseSync)(path, { timeout: busyTimeoutMs });
  try {
    whileBusy(busyTimeoutMs, () => setUpRates(db));
    keepPrivate(path);
    return db;
  } catch (error) {
    db.close();
    if (!begins || faultOf(error).trouble !== 'damaged') throw error;
    removeDatabase(path);
    return openRatesDatabase({ path, busyTimeoutMs }, false);
  }
}

function setUpRates(db: DatabaseSync): void {
  pragma(db, 'journal_mode = WAL');
  db.exec(`
    PRAGMA synchronous = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = ${MEBIBYTE};
    ${RATES_SCHEMA};
  `);
}

/** Opens a new, empty database in memory; closing deletes it. */
export function openMemoryDatabase(): DatabaseSync {
  refuseOldSqlite(process.versions['sqlite'] ?? 'none');
  const db = new (sqlite().DatabaseSync)(':memory:');
  migrate(db, MIGRATIONS);
  return db;
}

/** Uses `getBuiltinModule`, as jest and vitest cannot resolve `node:sqlite`. */
function sqlite(): typeof import('node:sqlite') {
  return process.getBuiltinModule('node:sqlite');
}

export function refuseOldSqlite(version: string): void {
  if (isOlder(version.split('.').map(Number))) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      `This Node.js has SQLite ${version}; the session store needs ${OLDEST_SQLITE.join('.')} or later: update Node.js`,
    );
  }
}

function isOlder(version: readonly number[]): boolean {
  const differing = OLDEST_SQLITE.findIndex((part, index) => part !== version[index]);
  return differing !== -1 && !(Number(version[differing]) > Number(OLDEST_SQLITE[differing]));
}

function requireDatabase(path: string): void {
  if (existsSync(path) && statSync(path).size > 0) return;
  throw new SessionsError('STORE_UNAVAILABLE', NO_DATABASE);
}

function setUp(
  db: DatabaseSync,
  { mustExist, maxBytes }: DatabaseOptions,
  migrations: readonly string[],
  silent: readonly Holder[],
): void {
  const newest = schemaWith(migrations);
  refuseForeign(db, mustExist, newest);
  // Before the first page is written: later it has no effect.
  pragma(db, 'auto_vacuum = INCREMENTAL');
  if (pragma(db, 'journal_mode') !== 'wal' && pragma(db, 'journal_mode = WAL') !== 'wal') {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      'The file system of the session database has no shared memory: set storagePath (SESSION_STORAGE_PATH) to a local disk',
    );
  }
  db.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4096;
    PRAGMA journal_size_limit = ${16 * MEBIBYTE};
  `);
  if (maxBytes !== null)
    pragma(db, `max_page_count = ${Math.floor(maxBytes / Number(pragma(db, 'page_size')))}`);
  if (versionOf(db) < newest) migrate(db, migrations, silent);
}

function refuseForeign(db: DatabaseSync, mustExist: boolean, newest: number): void {
  const objects = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get() ?? {};
  const isEmpty = numberOf(objects, 'count') === 0;
  if (isEmpty && mustExist) {
    throw new SessionsError('STORE_UNAVAILABLE', NO_DATABASE);
  }
  if (!isEmpty && pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      `The session database belongs to another application: ${MOVE}`,
    );
  }
  const version = versionOf(db);
  if (version !== 0 && version < FIRST_SCHEMA) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      `The session database has schema ${version}, but this nest-sessions needs ${FIRST_SCHEMA} or later: delete or move the old database file, or ${MOVE}`,
    );
  }
  if (version !== 0 && version < newest && mustExist) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      `The session database has schema ${version}, but this nest-sessions needs ${newest}: start the server of this version, which takes it over, or use the version of the running one`,
    );
  }
  if (version > newest) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      `The session database was written by a newer nest-sessions: update this one, or ${MOVE}`,
    );
  }
}

function whileBusy(timeoutMs: number, work: () => void): void {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
      pause(RETRY_MS);
    }
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
