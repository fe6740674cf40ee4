/** A rate limit holds in every window of this length, wherever it begins. */
export const RATE_WINDOW_MS = 60_000;
const SLOTS_OF_WINDOW = 12;
/** The slots of a window, and one more, since a window may begin and end within a slot. */
export const RATE_SLOTS = SLOTS_OF_WINDOW + 1;
export const RATE_SLOT_MS = slotMsOf(RATE_WINDOW_MS);

/** The events of a window and up to a slot more: `counts[i]` of slot `newestSlot - i`; missing counts are 0. */
export interface RateRing {
  readonly newestSlot: number;
  readonly counts: readonly number[];
}

export type RateAnswer =
  | { readonly ring: RateRing; readonly retryAfterMs: null }
  /** Nothing was counted; after `retryAfterMs` one more event fits, if no other takes its place. */
  | { readonly ring: null; readonly retryAfterMs: number };

/** The length of a slot of a window of `windowMs`. */
export function slotMsOf(windowMs: number): number {
  return Math.ceil(windowMs / SLOTS_OF_WINDOW);
}

/**
 * Counts one more event at `at`, in epoch milliseconds, unless the ring has `limit` already: so no window ever has more. An
 * event that comes up to a window late, by a slower clock, counts as one of the newest slot. An instant before the whole
 * ring is of a clock that was put right, and begins a new ring. `null` is an empty ring; `limit` is 1 or more. A ring is always
 * given the same `slotMs`.
 */
export function countEvent(
  ring: RateRing | null,
  at: number,
  limit: number,
  slotMs = RATE_SLOT_MS,
): RateAnswer {
  const { newestSlot, counts } = turnedTo(ring, at, slotMs);
  let sum = 0;
  for (const [age, count] of counts.entries()) {
    sum += count;
    if (sum >= limit) return { ring: null, retryAfterMs: endOf(newestSlot - age, slotMs) - at };
  }
  const [newest = 0, ...others] = counts;
  return { ring: { newestSlot, counts: [newest + 1, ...others] }, retryAfterMs: null };
}

/** The events of a ring, and the instant at which the oldest of them counts no more. */
export function heldBy({ newestSlot, counts }: RateRing, slotMs: number): { events: number; until: number } {
  const age = Math.max(
    0,
    counts.findLastIndex((count) => count > 0),
  );
  return { events: counts.reduce((sum, count) => sum + count, 0), until: endOf(newestSlot - age, slotMs) };
}

/** Rings whose newest slot is this one or an earlier one have nothing left to count at `at`. */
export function newestEmptySlot(at: number): number {
  return Math.floor(at / RATE_SLOT_MS) - RATE_SLOTS;
}

function turnedTo(ring: RateRing | null, at: number, slotMs: number): RateRing {
  const slot = Math.floor(at / slotMs);
  if (ring === null || Math.abs(slot - ring.newestSlot) >= RATE_SLOTS)
    return { newestSlot: slot, counts: [] };
  const passed = Math.max(0, slot - ring.newestSlot);
  const counts = [...Array<number>(passed).fill(0), ...ring.counts];
  return { newestSlot: ring.newestSlot + passed, counts: counts.slice(0, RATE_SLOTS) };
}

/** When the events of a slot count no more. */
function endOf(slot: number, slotMs: number): number {
  return (slot + RATE_SLOTS) * slotMs;
}
