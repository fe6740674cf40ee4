/** Every code an error of this package can carry. A code never changes its meaning. */
export const ERROR_CODES = [
  'CONFIG_INVALID',
  'SESSION_GONE',
  'SESSION_STALE',
  'SESSION_REQUIRED',
  'SESSION_BINDING_MISMATCH',
  'SESSION_RATE_LIMITED',
  'SESSIONS_FULL',
  'RESOURCE_GONE',
  'RESOURCE_ELSEWHERE',
  'RESOURCE_TOO_LARGE',
  'RESOURCE_LIMIT_REACHED',
  'RESOURCES_IN_USE',
  'RESOURCE_TYPE_UNKNOWN',
  'RANGE_NOT_SATISFIABLE',
  'UPLOAD_INVALID',
  'UPLOAD_ABORTED',
  'UPLOAD_UNSUPPORTED',
  'FILE_NOT_ADOPTABLE',
  'STORAGE_FULL',
  'STORAGE_UNSAFE',
  'STORAGE_UNAVAILABLE',
  'STORE_UNAVAILABLE',
  'STORE_INCOMPATIBLE',
  'INVALID_ARGUMENT',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error may carry beside its message. */
export interface SessionsErrorOptions extends ErrorOptions {
  /** Seconds after which asking again makes sense. */
  readonly retryAfterSeconds?: number;
  /** The origin of the server to ask instead. */
  readonly nodeAddress?: string;
}

/**
 * The one error type of this package. `code` says what happened, `message` what to do about it; `cause` keeps the error
 * beneath, if there was one. Messages never hold a token, a path or what a client sent.
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

/** Whether `error` is one of ours with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is SessionsError {
  return error instanceof SessionsError && error.code === code;
}
