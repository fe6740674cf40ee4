import { requireName } from '../files/field-name.js';
import { invalidUpload } from '../files/upload-error.js';

export const FIELD_LIMITS = Object.freeze({ fields: 50, fieldBytes: 64 * 1024 });

/** The text fields of one upload; a repeated name has all its values, in order. */
export type FieldValues = Record<string, string | string[]>;

/** Collects text fields into an object without a prototype, so that no field name reaches an inherited property. */
export class FormFields {
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
