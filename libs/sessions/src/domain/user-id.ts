/** In UTF-16 code units, as `String.length` counts. */
const MAX_LENGTH = 255;

/** Control characters are cut or escaped by some tools; U+FFFD is what is left of text that was not well-formed. */
const LOSSY = /[\p{Cc}\uFFFD]/u;

/** The rule of user ids, for messages that name what must follow it. */
export const USER_ID_RULE = `must be well-formed text of 1 to ${MAX_LENGTH} characters, without control characters`;

/** Whether every store keeps `value` as it is, so that no two users are taken for one. */
export function isUserId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= MAX_LENGTH &&
    value.isWellFormed() &&
    !LOSSY.test(value)
  );
}
