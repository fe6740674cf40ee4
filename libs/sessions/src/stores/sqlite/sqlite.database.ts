import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { SessionsError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { isBusy } from './sqlite.errors.js';
import { APPLICATION_ID, FIRST_SCHEMA, MIGRATIONS, SCHEMA } from './operations/schema.js';
import { numberOf } from './operations/values.js';

export interface DatabaseOptions {
  readonly path: string;
  readonly mustExist: boolean;
  readonly busyTimeoutMs: number;
  readonly maxBytes: number | null;
}

/** Older ones can corrupt a database in WAL mode that two processes write to. */
const OLDEST_SQLITE = [3, 51, 3] as const;

const RETRY_MS = 20;
const MEBIBYTE = 1024 * 1024;

/** Opens the database, making and migrating it where need be. Two processes may do so at once. */
export function openDatabase(options: DatabaseOptions, migrations = MIGRATIONS): DatabaseSync {
  refuseOldSqlite(process.versions['sqlite'] ?? 'none');
  prepareFile(options);
  const db = new (sqlite().DatabaseSync)(options.path, { timeout: options.busyTimeoutMs });
  try {
    // Neither the switch to WAL nor a recovery always waits by itself for whoever does the same at this moment.
    whileBusy(options.busyTimeoutMs, () => setUp(db, options, migrations));
    keepPrivate(options.path);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A new, empty database in memory, which is gone when it is closed. */
export function openMemoryDatabase(): DatabaseSync {
  refuseOldSqlite(process.versions['sqlite'] ?? 'none');
  const db = new (sqlite().DatabaseSync)(':memory:');
  migrate(db, MIGRATIONS);
  return db;
}

/** Asked of the process itself: the module tables of jest and vitest do not know it. */
function sqlite(): typeof import('node:sqlite') {
  return process.getBuiltinModule('node:sqlite');
}

export function refuseOldSqlite(version: string): void {
  if (isOlder(version.split('.').map(Number))) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      `This Node.js has SQLite ${version}, and the session store needs ${OLDEST_SQLITE.join('.')} or newer: update Node.js`,
    );
  }
}

function isOlder(version: readonly number[]): boolean {
  const differing = OLDEST_SQLITE.findIndex((part, index) => part !== version[index]);
  return differing !== -1 && !(Number(version[differing]) > Number(OLDEST_SQLITE[differing]));
}

function prepareFile({ path, mustExist }: DatabaseOptions): void {
  if (mustExist) {
    if (!existsSync(path) || statSync(path).size === 0) {
      throw new SessionsError('STORE_UNAVAILABLE', 'There is no session database at the configured place');
    }
    return;
  }
  if (!existsSync(path)) createFile(path);
  removeDrafts(path);
}

/**
 * An empty file for SQLite to fill, private whatever the umask; SQLite gives its companions the same mode. It is made
 * under another name and linked into place, so that no descriptor of ours is ever open on a file that another thread
 * may have opened as a database: closing one drops SQLite's locks on it.
 */
function createFile(path: string): void {
  makeFolders(dirname(path));
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, '', { flag: 'wx', mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Node's own `recursive` tries for ever where a file system lets nobody make folders, as `/proc` does. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolders(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it at this moment.
    if (!existsSync(path)) throw error;
  }
}

/** What a process left that died while it made the file. One that still makes it finds that it is made. */
function removeDrafts(path: string): void {
  const prefix = `${basename(path)}.`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(prefix) || !isUuid(name.slice(prefix.length))) continue;
    rmSync(join(dirname(path), name), { force: true });
  }
}

function keepPrivate(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      if ((statSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
    } catch {
      // Not there yet, or another user's: SQLite will say if that matters.
    }
  }
}

function setUp(
  db: DatabaseSync,
  { mustExist, maxBytes }: DatabaseOptions,
  migrations: readonly string[],
): void {
  const newest = FIRST_SCHEMA + migrations.length;
  refuseForeign(db, mustExist, newest);
  if (pragma(db, 'journal_mode') !== 'wal' && pragma(db, 'journal_mode = WAL') !== 'wal') {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      'The session database lies on a file system without shared memory: put it on a local disk',
    );
  }
  db.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4096;
    PRAGMA journal_size_limit = ${16 * MEBIBYTE};
  `);
  if (maxBytes !== null)
    pragma(db, `max_page_count = ${Math.floor(maxBytes / Number(pragma(db, 'page_size')))}`);
  if (versionOf(db) < newest) migrate(db, migrations);
}

function refuseForeign(db: DatabaseSync, mustExist: boolean, newest: number): void {
  const objects = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get() ?? {};
  const isEmpty = numberOf(objects, 'count') === 0;
  if (isEmpty && mustExist) {
    throw new SessionsError('STORE_UNAVAILABLE', 'There is no session database at the configured place');
  }
  if (!isEmpty && pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      'The database at the configured place belongs to another application: configure another place',
    );
  }
  const version = versionOf(db);
  if (version !== 0 && version < FIRST_SCHEMA) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      `The session database has schema ${version}, and this nest-sessions reads ${FIRST_SCHEMA} and later: move the database away, or configure another place`,
    );
  }
  if (version > newest) {
    throw new SessionsError(
      'STORE_INCOMPATIBLE',
      'The session database was written by a newer nest-sessions: update this one, or configure another place',
    );
  }
}

/** What another process has migrated in the meantime is not migrated again: the version is read under the lock. */
function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(db);
    if (version === 0) create(db);
    const done = Math.max(0, version - FIRST_SCHEMA);
    for (const migration of migrations.slice(done)) db.exec(migration);
    pragma(db, `user_version = ${Math.max(version, FIRST_SCHEMA + migrations.length)}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function create(db: DatabaseSync): void {
  db.exec(SCHEMA);
  pragma(db, `application_id = ${APPLICATION_ID}`);
  db.prepare('INSERT INTO store (one, generation) VALUES (1, :generation)').run({ generation: randomUUID() });
}

function versionOf(db: DatabaseSync): number {
  return Number(pragma(db, 'user_version'));
}

function pragma(db: DatabaseSync, statement: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${statement}`).get() ?? {})[0];
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
