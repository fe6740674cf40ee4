const DIGITS = 32;

/** UUIDs as one text: 32 hex digits each, with nothing between them. A million of them pass between threads in milliseconds. */
export function packIds(ids: readonly string[]): string {
  return ids.map((id) => id.replaceAll('-', '')).join('');
}

/** The ids in such a text, each as its 32 digits. Throws a `RangeError` for anything else, and where there is none. */
export function packedIds(packed: string | undefined): Set<string> {
  if (packed === undefined || packed.length % DIGITS !== 0) {
    throw new RangeError('Packed ids are a text with 32 digits for each');
  }
  const ids = new Set<string>();
  for (let start = 0; start < packed.length; start += DIGITS) ids.add(packed.slice(start, start + DIGITS));
  return ids;
}
