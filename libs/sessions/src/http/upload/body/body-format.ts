import type { IncomingHttpHeaders } from 'node:http';
import { tooLargeUpload, unsupportedUpload } from '../files/upload-error.js';
import type { UploadFiles } from '../files/upload-files.js';
import { maxBodyBytes, type UploadPlan } from '../files/upload-plan.js';
import type { FieldValues } from './form-fields.js';
import type { IncomingBody } from './incoming-body.js';
import { MultipartBody } from './multipart-body.js';
import { boundaryOf } from './multipart-boundary.js';
import { RawBody } from './raw-body.js';

/** Reads a body to its end; answers the text fields of a form. */
export type ReadBody = (body: IncomingBody, files: UploadFiles) => Promise<FieldValues | undefined>;

/**
 * Checks the headers of a request, before any byte of its body is read; answers how to read that.
 * @throws SessionsError `UPLOAD_UNSUPPORTED`, `UPLOAD_INVALID`, `RESOURCE_TOO_LARGE`
 */
export function bodyFormatOf(headers: IncomingHttpHeaders, plan: UploadPlan): ReadBody {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw unsupportedUpload('Compressed uploads are not supported: send the body without Content-Encoding.');
  }
  const read = plan.isRaw ? rawFormat(headers) : multipartFormat(headers, plan);
  if (Number(headers['content-length'] ?? 0) > maxBodyBytes(plan)) throw tooLargeUpload(plan.maxTotalBytes);
  return read;
}

function rawFormat(headers: IncomingHttpHeaders): ReadBody {
  return async (body, files) => {
    await body.passTo(new RawBody(headers, files));
    return undefined;
  };
}

function multipartFormat(headers: IncomingHttpHeaders, plan: UploadPlan): ReadBody {
  const boundary = boundaryOf(headers);
  return async (body, files) => {
    const form = new MultipartBody(boundary, plan, files);
    await body.passTo(form);
    return form.values();
  };
}
