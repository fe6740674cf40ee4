import { types } from 'node:util';
import { SessionsError, type ErrorCode } from '../../../domain/errors.js';
import {
  NEWER_MESSAGE,
  StoreHeld,
  type Holder,
  type StoreTrouble,
} from '../../../ports/store/store-trouble.js';

/** An error as a message from a worker thread, which would lose class and prototype. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause: string | null;
  /** Whether the disk was full, so that a retry may succeed after freeing space. */
  readonly diskFull: boolean;
  /** What is wrong with the database file; `null` for nothing. */
  readonly trouble: StoreTrouble | null;
  /** The processes that keep this one from a migration; `null` if none does. */
  readonly holders: readonly Holder[] | null;
}

/** Primary result codes of SQLite. */
const CODE = {
  busy: 5,
  locked: 6,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  constraint: 19,
  notADatabase: 26,
};

/** `SQLITE_IOERR_SHMSIZE`: shared memory cannot grow; on Linux, only because the disk is full. */
const SHARED_MEMORY_FULL = 4874;

/** Long enough for a lock, or the start of a worker. */
const RETRY_AFTER_SECONDS = 1;

export const NOT_CONNECTED = 'The session store is not connected: call connect() first';

interface SqliteError extends Error {
  readonly errcode: number;
}

/** `instanceof Error` fails in jest, whose realm has its own `Error`. */
function isError(error: unknown): error is Error {
  return types.isNativeError(error);
}

function isSqliteError(error: unknown): error is SqliteError {
  return isError(error) && 'errcode' in error && typeof error.errcode === 'number';
}

/** The low byte of an extended result code is the primary one. */
function primaryCode(error: unknown): number | null {
  return isSqliteError(error) ? error.errcode & 0xff : null;
}

export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === CODE.busy || code === CODE.locked;
}

/** Whether only the operation failed. Other SQLite errors may have rolled back the whole transaction. */
export function concernsOneOperation(error: unknown): boolean {
  return !isSqliteError(error) || primaryCode(error) === CODE.constraint;
}

function isDiskFull(error: unknown): boolean {
  if (isSqliteError(error)) return primaryCode(error) === CODE.full || error.errcode === SHARED_MEMORY_FULL;
  return isFileError(error) && error.code === 'ENOSPC';
}

function isFileError(error: unknown): error is Error & { readonly code: unknown } {
  return isError(error) && 'syscall' in error && 'code' in error;
}

/** Converts any error to a fault. */
export function faultOf(error: unknown): Fault {
  if (error instanceof StoreHeld)
    return { ...fault(error.code, error.message, null), holders: error.holders };
  if (error instanceof SessionsError) {
    const cause = isError(error.cause) ? error.cause.message : null;
    return fault(error.code, error.message, cause);
  }
  const cause = isError(error) ? describe(error) : String(error);
  const code = primaryCode(error);
  if (code === CODE.constraint) {
    return fault(
      'INVALID_ARGUMENT',
      'The session store refused a duplicate or invalid value: use new random ids and tokens',
      cause,
    );
  }
  if (isDiskFull(error)) {
    const message = 'The disk of the session database is full: free space';
    return { ...fault('STORE_UNAVAILABLE', message, cause), diskFull: true };
  }
  const trouble = isDamage(code) ? 'damaged' : null;
  return {
    ...fault('STORE_UNAVAILABLE', explain(isFileError(error) ? CODE.cantOpen : code), cause),
    trouble,
  };
}

/** The fault of every call while the database that this process opened is not at its path. */
export function misplaced(trouble: StoreTrouble): Fault {
  const message = `The session database was ${trouble} while this process used it: put it back, or restart this process`;
  return { ...fault('STORE_UNAVAILABLE', message, null), trouble };
}

/** The fault of every call once a newer version has migrated the database. */
export const OUTDATED: Fault = {
  ...fault('STORE_INCOMPATIBLE', NEWER_MESSAGE, null),
  trouble: 'newer',
};

/** The fault of a call that waited too long for the lock of another process. */
export const LOCKED = unavailable(explain(CODE.busy), `database is locked (SQLite result code ${CODE.busy})`);

/** Whether pages of the database cannot be read. */
export function isDamaged(error: unknown): boolean {
  return isDamage(primaryCode(error));
}

function isDamage(code: number | null): boolean {
  return code === CODE.corrupt || code === CODE.notADatabase;
}

/** Converts an error of opening the database at `path` to a fault. */
export function openingFaultOf(error: unknown, path: string): Fault {
  const code = primaryCode(error);
  if (isDamage(code)) {
    const message =
      'The session database is damaged or not an SQLite database: restore it from a backup, or move it away to start a new one';
    const cause = isError(error) ? describe(error) : null;
    return { ...fault('STORE_INCOMPATIBLE', message, cause), trouble: 'damaged' };
  }
  const found = faultOf(error);
  const isRefused = code === CODE.cantOpen || (isFileError(error) && !found.diskFull);
  return isRefused ? { ...found, message: refusedMessage(error, path) } : found;
}

function refusedMessage(error: unknown, path: string): string {
  const why = isFileError(error) ? error.message : path;
  const user = process.geteuid ? `user id ${process.geteuid()}` : 'this user';
  return `Opening the session database failed (${why}): set storagePath (SESSION_STORAGE_PATH) to a folder that ${user} can write`;
}

export function errorOf({ code, message, cause, holders }: Fault): SessionsError {
  if (holders !== null) return new StoreHeld(holders);
  const options = {
    ...(cause === null ? {} : { cause: new Error(cause) }),
    ...(code === 'STORE_UNAVAILABLE' ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}),
  };
  return new SessionsError(code, message, options);
}

export function unavailable(message: string, cause: string | null = null): Fault {
  return fault('STORE_UNAVAILABLE', message, cause);
}

function fault(code: ErrorCode, message: string, cause: string | null): Fault {
  return { code, message, cause, diskFull: false, trouble: null, holders: null };
}

function describe(error: Error): string {
  return isSqliteError(error) ? `${error.message} (SQLite result code ${error.errcode})` : error.message;
}

function explain(code: number | null): string {
  switch (code) {
    case CODE.busy:
    case CODE.locked:
      return 'Another process locked the session database for too long: find and stop it';
    case CODE.ioError:
      return 'Reading or writing the session database failed: check its disk';
    case CODE.cantOpen:
      return 'Opening the session database failed: check its folder and permissions';
    case CODE.corrupt:
    case CODE.notADatabase:
      return 'The session database is damaged: restore it from a backup, or move it away to start a new one';
    default:
      return 'The session database failed: see the cause';
  }
}
