import { invalidUpload } from './upload-error.js';

const MAX_FIELD_NAME_BYTES = 100;

const RESERVED_NAMES = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * The name of a part, if it is valid.
 * @throws SessionsError `UPLOAD_INVALID`
 */
export function requireName(name: string | undefined): string {
  if (!name) throw invalidUpload('A part of the body has no name.');
  if (Buffer.byteLength(name) > MAX_FIELD_NAME_BYTES) {
    throw invalidUpload(`A field name exceeds ${MAX_FIELD_NAME_BYTES} bytes.`);
  }
  if (RESERVED_NAMES.has(name)) throw invalidUpload('A part of the body has a reserved name.');
  return name;
}
