import { SessionsError } from '../../domain/errors.js';

/** The body is malformed, or has parts that this route does not accept. */
export function invalidUpload(message: string, cause?: unknown): SessionsError {
  return new SessionsError('UPLOAD_INVALID', message, cause === undefined ? {} : { cause });
}

/** The route does not accept the body's or the file's media type, or its encoding. */
export function unsupportedUpload(message: string): SessionsError {
  return new SessionsError('UPLOAD_UNSUPPORTED', message);
}

/** The client disconnected, stalled or was too slow. */
export function abortedUpload(message: string, cause?: unknown): SessionsError {
  return new SessionsError('UPLOAD_ABORTED', message, cause === undefined ? {} : { cause });
}

export function tooLargeUpload(maxBytes: number): SessionsError {
  return new SessionsError('RESOURCE_TOO_LARGE', `The upload exceeds the limit of ${maxBytes} bytes.`);
}
