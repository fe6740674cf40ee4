const DIGITS = 32;

/** UUIDs as one string, 32 hex digits each: a million of them pass between threads in milliseconds. */
export function packIds(ids: readonly string[]): string {
  return ids.map((id) => id.replaceAll('-', '')).join('');
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
