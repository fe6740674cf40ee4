const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UUIDS = new RegExp(`\\b${UUID.source.slice(1, -1)}\\b`, 'g');
const DIGITS = 32;

/** In stores, the node id of streams and of ends of sessions without files. Not a UUID. */
export const NOBODY = '-';

/** Whether `value` is a UUID in lower case, like all ids of sessions, resources, processes and nodes. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** `text` with each UUID in it replaced by what `change` makes of it, from the first on. */
export function changeIds(text: string, change: (id: string) => string): string {
  return text.replaceAll(UUIDS, (id) => change(id));
}

/** Compares ids by code units, for sorting. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The 32 hex digits of an id, without its dashes. */
export function digitsOf(id: string): string {
  return id.replaceAll('-', '');
}

/** The id with these 32 hex digits. */
export function idOfDigits(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The first and the last id that begin with this text; `null` if none does. */
export function idsFrom(prefix: string): { readonly first: string; readonly last: string } | null {
  const digits = digitsOf(prefix);
  if (!/^[0-9a-f]{0,32}$/.test(digits)) return null;
  const [first, last] = [idOfDigits(digits.padEnd(DIGITS, '0')), idOfDigits(digits.padEnd(DIGITS, 'f'))];
  return first.startsWith(prefix) ? { first, last } : null;
}

/** Ids as one string, 32 hex digits each: a million of them pass between threads in milliseconds. */
export function packIds(ids: readonly string[]): string {
  return ids.map(digitsOf).join('');
}

/** The ids in such a string, as 32 digits each. Throws a `RangeError` for any other length, and for `undefined`. */
export function packedIds(packed: string | undefined): Set<string> {
  if (packed === undefined || packed.length % DIGITS !== 0) {
    throw new RangeError('Packed ids must be a string of 32 hex digits per id');
  }
  const ids = new Set<string>();
  for (let start = 0; start < packed.length; start += DIGITS) ids.add(packed.slice(start, start + DIGITS));
  return ids;
}

/** Longest user id, in UTF-16 code units, as `String.length` counts. */
const MAX_USER_ID = 255;

/** Control characters are cut or escaped by some tools; U+FFFD is what is left of text that was not well-formed. */
const LOSSY = /[\p{Cc}\uFFFD]/u;

/** The rule of user ids, for messages that name what must follow it. */
export const USER_ID_RULE = `must be well-formed text of 1 to ${MAX_USER_ID} characters, without control characters`;

/** Whether every store keeps `value` as it is, so that no two users are taken for one. */
export function isUserId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= MAX_USER_ID &&
    value.isWellFormed() &&
    !LOSSY.test(value)
  );
}
