const FIRST_MS = 60_000;
const MOST_MS = 3_600_000;
/** An item that failed this many times in a row is stuck: an operator must look. Its retries go on. */
const STUCK_AFTER = 5;

/** The pause before the next try of an item that failed `tries` times in a row: 1, 2, 4 … 60 minutes. */
export function pauseAfter(tries: number): number {
  return Math.min(FIRST_MS * 2 ** (tries - 1), MOST_MS);
}

export function isStuck({ tries }: { readonly tries: number }): boolean {
  return tries >= STUCK_AFTER;
}
