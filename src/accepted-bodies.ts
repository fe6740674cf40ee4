import type { IncomingHttpHeaders } from 'node:http';

/** The answer to all other bodies. */
export const UNSUPPORTED_BODY = {
  statusCode: 415,
  error: 'Unsupported Media Type',
  message: 'The body must be JSON in UTF-8 or a multipart upload, uncompressed.',
};

const ACCEPTED = /^(?:multipart\/form-data\s*;.*|application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?)$/i;

/** Whether a request has no body or one of an accepted type, judged by the headers, before the body is read. */
export function isAcceptedBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'] ?? '0';
  if (length === '0' && headers['transfer-encoding'] === undefined) return true;
  const encoding = headers['content-encoding'] ?? 'identity';
  return encoding === 'identity' && ACCEPTED.test(headers['content-type'] ?? '');
}
