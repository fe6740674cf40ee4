import type { Actor } from '../../domain/journal/actor.js';
import type { JournalEntry } from '../../domain/journal/entry.js';

/**
 * What happened to sessions. A timeline belongs to its session: it is dropped with the session's tombstone (see `BeginEnd`). The store
 * itself enters what must be true, in the same step as the deed: `opened`, `login`, `regenerated`, `ended`, `evicted`, where the
 * operation was given a `DeedNote`. `append` adds what may be lost.
 */
export abstract class JournalGroup {
  /** A random key of this store, as text, always the same: of the hashes that stand for users. Not in any entry. */
  abstract key(): Promise<string>;

  /**
   * Adds entries to the timelines of these sessions, in the given order; skips sessions that the store does not know, and those that are
   * over and have no timeline, such as those of a user who was forgotten.
   * Then drops the oldest of each class beyond `MOST_DEEDS` and `MOST_REQUESTS`. Durable soon after it resolves, not at once. When
   * it rejects, some may be added or may be so later: the same `NewEntry` objects, given again, are added once. Not to be called again
   * before it settles.
   */
  abstract append(entries: readonly NewEntry[]): Promise<void>;

  /** At most `limit` entries of a session in any state, by instant, then as they were written, from `after` on. */
  abstract read(sessionId: string, limit: number, after?: JournalPosition | null): Promise<JournalPage>;

  /**
   * If all timelines together hold more than `maxBytes` (texts and `ENTRY_OVERHEAD_BYTES` each), drops requests, then whole timelines,
   * those of the sessions that were opened first before others; at most about `limit` entries. Answers how many: 0 if it fits.
   */
  abstract prune(maxBytes: number, limit: number): Promise<number>;

  /**
   * Drops the timelines of at most `limit` sessions of the user with this hash that are over, and the hash from them; answers of how
   * many. Live ones stay: end them first.
   */
  abstract forgetUser(userHash: string, limit: number): Promise<number>;
}

/** With it, the deed is entered into the session's timeline in the same step. */
export interface DeedNote {
  readonly by: Actor;
}

/** Of a login: the hash is kept with the session too, until its tombstone is dropped. */
export interface LoginNote extends DeedNote {
  readonly userHash: string;
}

export interface NewEntry {
  readonly sessionId: string;
  readonly entry: JournalEntry;
}

/** A reader's position in a timeline. Opaque text of visible ASCII: only its store can interpret it. */
export type JournalPosition = string;

export interface JournalPage {
  readonly entries: readonly JournalEntry[];
  /** Where the next page begins; `null` if this is the last. */
  readonly next: JournalPosition | null;
}
