import type { IncomingHttpHeaders } from 'node:http';

/** What is said to all others. */
export const UNSUPPORTED_BODY = {
  statusCode: 415,
  error: 'Unsupported Media Type',
  message: 'Bodies are JSON in UTF-8 or multipart uploads, not compressed.',
};

const TAKEN = /^(?:multipart\/form-data\s*;.*|application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?)$/i;

/** Whether a request has no body, or one of the kinds that are read here: decided before a byte of it is read. */
export function isTakenBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'] ?? '0';
  if (length === '0' && headers['transfer-encoding'] === undefined) return true;
  const encoding = headers['content-encoding'] ?? 'identity';
  return encoding === 'identity' && TAKEN.test(headers['content-type'] ?? '');
}
