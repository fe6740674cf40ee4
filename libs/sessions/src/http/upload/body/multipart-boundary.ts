import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'node:util';
import { invalidUpload, unsupportedUpload } from '../files/upload-error.js';

/** RFC 2046, 5.1.1: 1 to 70 of these characters, the last not a space. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/**
 * The boundary between the parts of a request's body.
 * @throws SessionsError `UPLOAD_UNSUPPORTED`, `UPLOAD_INVALID`
 */
export function boundaryOf(headers: IncomingHttpHeaders): string {
  const type = parseType(headers['content-type']);
  if (type?.essence !== 'multipart/form-data') {
    throw unsupportedUpload('Content-Type must be multipart/form-data.');
  }
  const boundary = type.params.get('boundary');
  if (boundary === null || !BOUNDARY.test(boundary)) {
    throw invalidUpload('Content-Type has no valid multipart boundary.');
  }
  return boundary;
}

function parseType(header: string | undefined): MIMEType | null {
  try {
    return new MIMEType(header ?? '');
  } catch {
    return null;
  }
}
