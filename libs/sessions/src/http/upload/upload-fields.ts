import { invalidUpload } from './upload-error.js';

export const FIELD_LIMITS = Object.freeze({ fields: 50, fieldNameBytes: 100, fieldBytes: 64 * 1024 });

const RESERVED_NAMES = new Set(['__proto__', 'constructor', 'prototype']);

/** The text fields of one upload; a repeated name has all its values, in order. */
export type FieldValues = Record<string, string | string[]>;

/** Collects text fields into an object without a prototype, so that no field name reaches an inherited property. */
export class UploadFields {
  readonly values = Object.create(null) as FieldValues;

  private reserved = 0;

  /**
   * The name of a further field, if it is valid.
   * @throws SessionsError `UPLOAD_INVALID`
   */
  reserve(name: string | undefined): string {
    this.reserved += 1;
    if (this.reserved > FIELD_LIMITS.fields)
      throw invalidUpload(`The body has more than ${FIELD_LIMITS.fields} text fields.`);
    return requireName(name);
  }

  add(key: string, value: string): void {
    const earlier = this.values[key];
    this.values[key] = earlier === undefined ? value : [earlier, value].flat();
  }
}

/**
 * The name of a part, if it is valid.
 * @throws SessionsError `UPLOAD_INVALID`
 */
export function requireName(name: string | undefined): string {
  if (!name) throw invalidUpload('A part of the body has no name.');
  if (Buffer.byteLength(name) > FIELD_LIMITS.fieldNameBytes) {
    throw invalidUpload(`A field name exceeds ${FIELD_LIMITS.fieldNameBytes} bytes.`);
  }
  if (RESERVED_NAMES.has(name)) throw invalidUpload('A part of the body has a reserved name.');
  return name;
}
