import { types } from 'node:util';
import { SessionsError, type ErrorCode } from '../../domain/errors.js';

/** An error on its way from the worker: class and prototype do not survive the journey, so it is told in plain words. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause: string | null;
  /** Whether the disk was full: worth one more try once there is room. */
  readonly diskFull: boolean;
}

/** SQLite's primary result codes that mean something to us. */
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

/** What is told where shared memory cannot grow (`SQLITE_IOERR_SHMSIZE`): on Linux, only for want of room. */
const NO_ROOM_FOR_SHARED_MEMORY = 4874;

/** After which a caller may ask again: long enough for a lock or a worker's start. */
const RETRY_AFTER_SECONDS = 1;

interface SqliteError extends Error {
  readonly errcode: number;
}

/** `instanceof Error` fails in jest, whose tests have an `Error` of their own. */
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

/** Whether only the operation failed. Any other error of SQLite's may have rolled back the whole transaction. */
export function concernsOneOperation(error: unknown): boolean {
  return !isSqliteError(error) || primaryCode(error) === CODE.constraint;
}

function isDiskFull(error: unknown): boolean {
  if (isSqliteError(error))
    return primaryCode(error) === CODE.full || error.errcode === NO_ROOM_FOR_SHARED_MEMORY;
  return isFileError(error) && error.code === 'ENOSPC';
}

function isFileError(error: unknown): error is Error & { readonly code: unknown } {
  return isError(error) && 'syscall' in error && 'code' in error;
}

/** What an error means to the caller, whoever threw it. */
export function faultOf(error: unknown): Fault {
  if (error instanceof SessionsError) {
    const cause = isError(error.cause) ? error.cause.message : null;
    return { code: error.code, message: error.message, cause, diskFull: false };
  }
  const cause = isError(error) ? describe(error) : String(error);
  const code = primaryCode(error);
  if (code === CODE.constraint) {
    return fault('INVALID_ARGUMENT', 'The store refused a value: is an id or a token used twice?', cause);
  }
  if (isDiskFull(error)) {
    const message = 'The disk that holds the session database is full: make room';
    return { ...fault('STORE_UNAVAILABLE', message, cause), diskFull: true };
  }
  return fault('STORE_UNAVAILABLE', explain(isFileError(error) ? CODE.cantOpen : code), cause);
}

/** What an error means that came before the database could be used. */
export function openingFaultOf(error: unknown): Fault {
  const code = primaryCode(error);
  if (code === CODE.notADatabase || code === CODE.corrupt) {
    return fault(
      'STORE_INCOMPATIBLE',
      'The session database is damaged or is no SQLite database: restore it from a backup, or move it away to begin a new one',
      isError(error) ? describe(error) : null,
    );
  }
  return faultOf(error);
}

export function errorOf(told: Fault): SessionsError {
  const options = {
    ...(told.cause === null ? {} : { cause: new Error(told.cause) }),
    ...(told.code === 'STORE_UNAVAILABLE' ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}),
  };
  return new SessionsError(told.code, told.message, options);
}

export function unavailable(message: string, cause: string | null = null): Fault {
  return fault('STORE_UNAVAILABLE', message, cause);
}

function fault(code: ErrorCode, message: string, cause: string | null): Fault {
  return { code, message, cause, diskFull: false };
}

function describe(error: Error): string {
  return isSqliteError(error) ? `${error.message} (SQLite result code ${error.errcode})` : error.message;
}

function explain(code: number | null): string {
  switch (code) {
    case CODE.busy:
    case CODE.locked:
      return 'Another process held the session database for too long';
    case CODE.ioError:
      return 'The disk that holds the session database failed to read or write';
    case CODE.cantOpen:
      return 'The session database cannot be opened: look at its folder and its permissions';
    case CODE.corrupt:
    case CODE.notADatabase:
      return 'The session database is damaged: restore it from a backup, or move it away to begin a new one';
    default:
      return 'The session database failed';
  }
}
