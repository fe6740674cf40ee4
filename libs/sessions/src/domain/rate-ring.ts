/** A rate limit holds in every window of this length, wherever it begins. */
export const RATE_WINDOW_MS = 60_000;
export const RATE_SLOT_MS = 5000;
/** The slots of a window, and one more, since a window may begin and end within a slot. */
export const RATE_SLOTS = RATE_WINDOW_MS / RATE_SLOT_MS + 1;

/** The events of the last 60 to 65 s, counted by slots of 5 s: `counts[i]` of slot `newestSlot - i`; missing counts are 0. */
export interface RateRing {
  readonly newestSlot: number;
  readonly counts: readonly number[];
}

export type RateAnswer =
  | { readonly ring: RateRing; readonly retryAfterMs: null }
  /** Nothing was counted; after `retryAfterMs` one more event fits, if no other takes its place. */
  | { readonly ring: null; readonly retryAfterMs: number };

/**
 * Counts one more event at `at`, in epoch milliseconds, unless the ring has `limit` already: so no 60 s ever have more. An
 * event that comes up to a minute late, by a slower clock, counts as one of the newest slot. An instant before the whole
 * ring is of a clock that was put right, and begins a new ring. `null` is an empty ring; `limit` is 1 or more.
 */
export function countEvent(ring: RateRing | null, at: number, limit: number): RateAnswer {
  const { newestSlot, counts } = turnedTo(ring, at);
  let sum = 0;
  for (const [age, count] of counts.entries()) {
    sum += count;
    if (sum >= limit)
      return { ring: null, retryAfterMs: (newestSlot - age + RATE_SLOTS) * RATE_SLOT_MS - at };
  }
  const [newest = 0, ...others] = counts;
  return { ring: { newestSlot, counts: [newest + 1, ...others] }, retryAfterMs: null };
}

/** Rings whose newest slot is this one or an earlier one have nothing left to count at `at`. */
export function newestEmptySlot(at: number): number {
  return slotOf(at) - RATE_SLOTS;
}

function turnedTo(ring: RateRing | null, at: number): RateRing {
  const slot = slotOf(at);
  if (ring === null || Math.abs(slot - ring.newestSlot) >= RATE_SLOTS)
    return { newestSlot: slot, counts: [] };
  const passed = Math.max(0, slot - ring.newestSlot);
  const counts = [...Array<number>(passed).fill(0), ...ring.counts];
  return { newestSlot: ring.newestSlot + passed, counts: counts.slice(0, RATE_SLOTS) };
}

function slotOf(at: number): number {
  return Math.floor(at / RATE_SLOT_MS);
}
