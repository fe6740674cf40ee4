/** All error codes of this package. A code never changes its meaning. */
export const ERROR_CODES = [
  'CONFIG_INVALID',
  'SESSION_GONE',
  'SESSION_STALE',
  'SESSION_TAKEN',
  'SESSION_REQUIRED',
  'SESSION_TOO_LATE',
  'SESSION_BINDING_MISMATCH',
  'TOKEN_KEY_MISSING',
  'CROSS_SITE_REFUSED',
  'ADMIN_READ_ONLY',
  'BULK_TOO_LARGE',
  'SESSION_RATE_LIMITED',
  'SESSIONS_FULL',
  'USER_SESSIONS_FULL',
  'DATA_TOO_LARGE',
  'DATA_BUSY',
  'RESOURCE_GONE',
  'RESOURCE_ELSEWHERE',
  'RESOURCE_TOO_LARGE',
  'RESOURCE_LIMIT_REACHED',
  'QUOTA_REACHED',
  'RESOURCES_IN_USE',
  'STREAMS_FULL',
  'RESOURCE_TYPE_UNKNOWN',
  'RANGE_NOT_SATISFIABLE',
  'PRECONDITION_FAILED',
  'UPLOAD_INVALID',
  'UPLOAD_ABORTED',
  'UPLOAD_UNSUPPORTED',
  'FILE_NOT_ADOPTABLE',
  'FILE_EXISTS',
  'STORAGE_FULL',
  'STORAGE_UNSAFE',
  'STORAGE_UNAVAILABLE',
  'STORE_UNAVAILABLE',
  'STORE_INCOMPATIBLE',
  'INVALID_ARGUMENT',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Optional properties of an error. */
export interface SessionsErrorOptions extends ErrorOptions {
  /** Seconds to wait before a retry. */
  readonly retryAfterSeconds?: number;
  /** Origin of the server that can answer. */
  readonly nodeAddress?: string;
}

/**
 * The error type of this package. `code` says what is wrong, `message` also what to do about it; `cause` is the
 * underlying error, if any. Messages never contain a token, a path or client input.
 */
export class SessionsError extends Error {
  override readonly name = 'SessionsError';
  readonly retryAfterSeconds: number | undefined;
  readonly nodeAddress: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: SessionsErrorOptions = {},
  ) {
    super(message, options);
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.nodeAddress = options.nodeAddress;
  }
}

/** Whether `error` is a `SessionsError` with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is SessionsError {
  return error instanceof SessionsError && error.code === code;
}

/** The error of a replaced token, and of a `Session` object that has the authority of one. */
export function staleSession(): SessionsError {
  return new SessionsError(
    'SESSION_STALE',
    'Another request replaced the token of this session: repeat the request with the new one.',
  );
}
