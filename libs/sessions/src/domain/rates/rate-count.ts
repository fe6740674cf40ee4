import { countEvent, heldBy, slotMsOf, type RateRing } from './rate-ring.js';

/** An event to count. */
export interface RateEvent {
  /** What is counted: events of one key have the same window. 1 to 200 characters. */
  readonly key: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Most events in any window: 1 or more. */
  readonly limit: number;
  /** 1 or more. */
  readonly windowMs: number;
  /** For how long a key is refused from the first event that was; `null`: until one more event fits. */
  readonly blockMs: number | null;
}

export type RateCount =
  | {
      readonly retryAfterMs: null;
      /** The events of the window, this one included. */
      readonly events: number;
      /** How long the oldest of them still counts. */
      readonly resetMs: number;
    }
  /** The event was not counted. */
  | { readonly retryAfterMs: number };

/** What is remembered of a key. */
export interface RateState {
  readonly ring: RateRing | null;
  /** 0: not blocked. */
  readonly blockedUntil: number;
}

interface Counted {
  readonly count: RateCount;
  /** `null`: as before. */
  readonly changed: RateState | null;
}

/** Counts an event of a key, or refuses it. `null`: nothing is remembered of the key. */
export function countRate(state: RateState | null, event: RateEvent): Counted {
  const { at, limit, windowMs, blockMs } = event;
  const { ring, blockedUntil } = state ?? { ring: null, blockedUntil: 0 };
  const blockedMs = blockedUntil - at;
  // A block of the far future is of a clock that was put right.
  if (blockMs !== null && blockedMs > 0 && blockedMs <= blockMs)
    return { count: { retryAfterMs: blockedMs }, changed: null };
  const slotMs = slotMsOf(windowMs);
  const answer = countEvent(ring, at, limit, slotMs);
  if (answer.ring !== null) {
    const { events, until } = heldBy(answer.ring, slotMs);
    const changed = { ring: answer.ring, blockedUntil: 0 };
    return { count: { retryAfterMs: null, events, resetMs: until - at }, changed };
  }
  if (blockMs === null) return { count: { retryAfterMs: answer.retryAfterMs }, changed: null };
  return { count: { retryAfterMs: blockMs }, changed: { ring, blockedUntil: at + blockMs } };
}

/** When nothing of a state counts any more. */
export function emptyAt({ ring, blockedUntil }: RateState, windowMs: number): number {
  const until = ring === null ? 0 : heldBy({ ...ring, counts: [1] }, slotMsOf(windowMs)).until;
  return Math.max(blockedUntil, until);
}
