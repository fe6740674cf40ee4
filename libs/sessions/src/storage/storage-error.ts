import { SessionsError } from '../domain/errors.js';

/** Errors of `link` after which a copy may still work. */
export const CANNOT_LINK = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'ENOSYS'];

/** The code of a system error, such as `ENOENT`; `null` for any other error. */
export function systemCode(error: unknown): string | null {
  // Not `instanceof`: in a test runner, system errors come from another realm.
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether `error` is a system error with one of these codes. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  const code = systemCode(error);
  return code !== null && codes.includes(code);
}

/** Whether the path does not exist, or one of its parents is no folder. */
export function isAbsence(error: unknown): boolean {
  return isSystemError(error, 'ENOENT', 'ENOTDIR');
}

/** The error for callers of the storage: a `SessionsError` unchanged, others by whether a retry may help. */
export function toStorageError(error: unknown): SessionsError {
  if (error instanceof SessionsError) return error;
  if (isSystemError(error, 'ENOSPC', 'EDQUOT')) {
    return new SessionsError(
      'STORAGE_FULL',
      'The disk of the file storage is full: free space, or end sessions.',
      { cause: error },
    );
  }
  if (isSystemError(error, 'EFBIG')) {
    return new SessionsError(
      'STORAGE_FULL',
      'The file is larger than its file system, or the limit of this process (ulimit -f), allows: store smaller files, or raise it.',
      { cause: error },
    );
  }
  const code = systemCode(error);
  return unavailable(`The file storage failed${code ? ` (${code})` : ''}: try again later.`, error);
}

/** Calls `work`, and converts its failure with `toStorageError`. */
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

/** Makes the error for a folder of the root that was there when the process started. */
export function missingInRoot(folder: string): () => SessionsError {
  return () =>
    unavailable(
      `The folder \`${folder}\` is missing in the storage root: restart the server, which makes it.`,
    );
}
