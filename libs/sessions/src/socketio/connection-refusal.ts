import { SessionsError } from '../domain/errors.js';
import { answerTo } from '../http/error-status.js';

/** The error that a refused client gets as `connect_error`; it does not connect again by itself. */
export interface ConnectionRefusal extends Error {
  readonly data: {
    /** As an HTTP request would be answered. */
    readonly statusCode: number;
    /** Absent for a fault of the server that has no code. */
    readonly code?: string;
    /** Seconds to wait before a new try. */
    readonly retryAfterSeconds?: number;
  };
}

export function refusalFor(error: unknown): ConnectionRefusal {
  if (!(error instanceof SessionsError)) {
    return Object.assign(new Error('Internal server error.'), { data: { statusCode: 500 } });
  }
  const { body, retryAfterSeconds } = answerTo(error);
  const { message, ...data } = body;
  return Object.assign(new Error(message), {
    data: { ...data, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
  });
}
