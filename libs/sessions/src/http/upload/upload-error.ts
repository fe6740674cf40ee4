import { SessionsError } from '../../domain/errors.js';

/** The request is no multipart body that this route takes; the client must send another. */
export function invalidUpload(message: string, cause?: unknown): SessionsError {
  return new SessionsError('UPLOAD_INVALID', message, cause === undefined ? {} : { cause });
}

/** It is of a kind that is not taken here. */
export function unsupportedUpload(message: string): SessionsError {
  return new SessionsError('UPLOAD_UNSUPPORTED', message);
}

/** The client went away, or fell silent. */
export function abortedUpload(message: string, cause?: unknown): SessionsError {
  return new SessionsError('UPLOAD_ABORTED', message, cause === undefined ? {} : { cause });
}

export function tooLargeUpload(maxBytes: number): SessionsError {
  return new SessionsError('RESOURCE_TOO_LARGE', `An upload here may have at most ${maxBytes} bytes.`);
}
