import { SessionsError } from '../../../domain/errors.js';

/** The system's name for what went wrong: `ENOENT`, `ENOSPC`; `null` for what is no system error. */
export function systemCode(error: unknown): string | null {
  // Not by its class: under a test runner, the system's errors are of another realm.
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether `error` is a system error with one of these names. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  const code = systemCode(error);
  return code !== null && codes.includes(code);
}

/** Nothing is there under this name, or what should be the folder of it is none. */
export function isAbsence(error: unknown): boolean {
  return isSystemError(error, 'ENOENT', 'ENOTDIR');
}

/** What callers of the storage get to see of `error`: one of ours as it is, anything else by what a retry may do. */
export function toStorageError(error: unknown): SessionsError {
  if (error instanceof SessionsError) return error;
  if (isSystemError(error, 'ENOSPC', 'EDQUOT')) {
    return new SessionsError('STORAGE_FULL', 'The file storage has no room left.', { cause: error });
  }
  const code = systemCode(error);
  return unavailable(`The file storage failed${code ? ` (${code})` : ''}: try again later.`, error);
}

/** Does the work, and rejects with what `toStorageError` makes of its failure. */
export async function translateErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStorageError(error);
  }
}

export function unavailable(message: string, cause?: unknown): SessionsError {
  return new SessionsError('STORAGE_UNAVAILABLE', message, cause === undefined ? {} : { cause });
}
