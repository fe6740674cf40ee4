/** Of a usual id, its first group. */
const SHORTEST = 8;

/** As many characters of each id as tell these ids apart; commands take them for the id. */
export function shortIds(ids: readonly string[]): string[] {
  const count = new Set(ids).size;
  const longest = Math.max(SHORTEST, ...ids.map(({ length }) => length));
  for (let length = SHORTEST; length < longest; length += 1) {
    const short = ids.map((id) => id.slice(0, length));
    if (new Set(short).size === count) return short;
  }
  return [...ids];
}
