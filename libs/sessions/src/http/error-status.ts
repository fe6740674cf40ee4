import { HttpStatus } from '@nestjs/common';
import type { ErrorCode, SessionsError } from '../domain/errors.js';

/** The HTTP status of each code. A code not listed is a fault of the server: 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  SESSION_GONE: HttpStatus.UNAUTHORIZED,
  SESSION_REQUIRED: HttpStatus.UNAUTHORIZED,
  SESSION_BINDING_MISMATCH: HttpStatus.UNAUTHORIZED,
  CROSS_SITE_REFUSED: HttpStatus.FORBIDDEN,
  ADMIN_READ_ONLY: HttpStatus.FORBIDDEN,
  BULK_TOO_LARGE: HttpStatus.CONFLICT,
  SESSION_STALE: HttpStatus.CONFLICT,
  SESSION_TAKEN: HttpStatus.CONFLICT,
  SESSION_RATE_LIMITED: HttpStatus.TOO_MANY_REQUESTS,
  SESSIONS_FULL: HttpStatus.SERVICE_UNAVAILABLE,
  USER_SESSIONS_FULL: HttpStatus.CONFLICT,
  DATA_TOO_LARGE: HttpStatus.PAYLOAD_TOO_LARGE,
  DATA_BUSY: HttpStatus.CONFLICT,
  RESOURCE_GONE: HttpStatus.NOT_FOUND,
  RESOURCE_ELSEWHERE: HttpStatus.MISDIRECTED,
  RESOURCE_TOO_LARGE: HttpStatus.PAYLOAD_TOO_LARGE,
  RESOURCE_LIMIT_REACHED: HttpStatus.PAYLOAD_TOO_LARGE,
  QUOTA_REACHED: HttpStatus.PAYLOAD_TOO_LARGE,
  RESOURCES_IN_USE: HttpStatus.CONFLICT,
  FILE_EXISTS: HttpStatus.CONFLICT,
  STREAMS_FULL: HttpStatus.TOO_MANY_REQUESTS,
  RANGE_NOT_SATISFIABLE: HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
  PRECONDITION_FAILED: HttpStatus.PRECONDITION_FAILED,
  UPLOAD_INVALID: HttpStatus.BAD_REQUEST,
  UPLOAD_ABORTED: HttpStatus.REQUEST_TIMEOUT,
  UPLOAD_UNSUPPORTED: HttpStatus.UNSUPPORTED_MEDIA_TYPE,
  STORAGE_FULL: 507,
  STORAGE_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
  TOKEN_KEY_MISSING: HttpStatus.SERVICE_UNAVAILABLE,
  STORE_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
  STORE_INCOMPATIBLE: HttpStatus.SERVICE_UNAVAILABLE,
  INVALID_ARGUMENT: HttpStatus.BAD_REQUEST,
};

const DEFAULT_RETRY_SECONDS = 5;

/** The HTTP response to an error. */
export interface HttpAnswer {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: { readonly statusCode: number; readonly code: ErrorCode; readonly message: string };
}

/** The response to a request that failed with `error`: a redirect if the client may repeat it at `location`. */
export function answerTo(error: SessionsError, location: string | null = null): HttpAnswer {
  const ownStatus = STATUS[error.code] ?? HttpStatus.INTERNAL_SERVER_ERROR;
  const status = location === null ? ownStatus : HttpStatus.TEMPORARY_REDIRECT;
  const isServerFault = status === 500;
  return {
    status,
    retryAfterSeconds: error.retryAfterSeconds ?? (status === 503 ? DEFAULT_RETRY_SECONDS : undefined),
    body: {
      statusCode: status,
      code: error.code,
      message: isServerFault ? 'Internal server error.' : error.message,
    },
  };
}
