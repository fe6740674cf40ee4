import type { EndReason, SessionRecord } from '../domain/session.js';

export interface StoreIdentity {
  /** UUID of this store's data: a new, empty store has another. */
  readonly generation: string;
  /** Only ever grows, with each change of a session: a store that was restored from a backup is behind. */
  readonly counter: number;
}

export interface TokenMatch {
  readonly session: SessionRecord;
  /** Whether it is its current token. */
  readonly current: boolean;
  /** When the token was replaced; `null` for the current one. */
  readonly replacedAt: number | null;
}

export const SESSION_SORTS = ['created_at', '-created_at', 'last_activity', '-last_activity'] as const;
/** `-` before it: descending. Ties are in the order of the ids. */
export type SessionSort = (typeof SESSION_SORTS)[number];

export interface SessionQuery {
  readonly limit: number;
  readonly sort: SessionSort;
  readonly userId?: string;
  /** The last session of the page before: the sort's instant, and the id. */
  readonly after?: { readonly instant: number; readonly id: string };
}

/** Where a reader of the feed is. Opaque: only its store reads it. */
export type FeedPosition = string;

export interface SessionChange {
  readonly id: string;
  readonly state: SessionRecord['state'];
  readonly endReason: EndReason | null;
  readonly epoch: number;
  readonly userId: string | null;
  /** While it is `ending`: the nodes that still hold files of it, in the order of their ids. */
  readonly nodes: readonly string[];
}

export interface Feed {
  readonly changes: readonly SessionChange[];
  readonly position: FeedPosition;
  /** Whether there is more to read at once. */
  readonly more: boolean;
  /**
   * Whether history itself has changed since the position: what was told before may not have happened, and what happened
   * may not be told. Whoever remembers sessions forgets them all.
   */
  readonly reset?: boolean;
}
