import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'node:util';
import { invalidUpload, tooLargeUpload, unsupportedUpload } from './upload-error.js';
import type { UploadPlan } from './upload-options.js';

/** RFC 2046, 5.1.1: 1 to 70 of these characters, the last not a space. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/**
 * The boundary between the parts of a request's body. Checks the headers alone, before any byte of the body is read.
 * @throws SessionsError `UPLOAD_UNSUPPORTED`, `UPLOAD_INVALID`, `RESOURCE_TOO_LARGE`
 */
export function boundaryOf(headers: IncomingHttpHeaders, plan: UploadPlan): string {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw unsupportedUpload('Compressed uploads are not supported: send the body without Content-Encoding.');
  }
  const type = parseType(headers['content-type']);
  if (type?.essence !== 'multipart/form-data') {
    throw unsupportedUpload('Content-Type must be multipart/form-data.');
  }
  const boundary = type.params.get('boundary');
  if (boundary === null || !BOUNDARY.test(boundary)) {
    throw invalidUpload('Content-Type has no valid multipart boundary.');
  }
  if (Number(headers['content-length'] ?? 0) > plan.maxRequestBytes) throw tooLargeUpload(plan.maxTotalBytes);
  return boundary;
}

function parseType(header: string | undefined): MIMEType | null {
  try {
    return new MIMEType(header ?? '');
  } catch {
    return null;
  }
}
