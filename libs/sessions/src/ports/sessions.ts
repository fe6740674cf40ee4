import type { NewSession, SessionRecord } from '../domain/session.js';

/** What happens to an open session: it begins, is found, touched, bound to a user, gets a new token, and is listed. */
export abstract class SessionsGroup {
  /**
   * Adds an open session; `full`, and nothing added, where `maxSessions` are open already. Never overwrites: an id or a
   * token of another session is an `INVALID_ARGUMENT`, and the same session a second time is `opened`, as it is. A store
   * may rely on ids, token hashes and resource ids naming the same bucket (see `domain/bucket`), and refuse others alike.
   */
  abstract open(session: NewSession, maxSessions: number): Promise<'opened' | 'full'>;

  /** The session that has, or had until its last regenerate, this token. Ended ones are found until their tombstone goes. */
  abstract findByToken(tokenHash: string): Promise<TokenMatch | null>;

  abstract find(sessionId: string): Promise<SessionRecord | null>;

  /**
   * Moves last activity forward, never back and never past the session's absolute end, and counts requests. Only open
   * sessions are touched. A touch of one request or more confirms the session. Durable within moments, not at once.
   */
  abstract touch(touches: readonly Touch[]): Promise<void>;

  /** Binds a user to an open session whose epoch is still `epoch`. */
  abstract bindUser(sessionId: string, epoch: number, userId: string): Promise<'bound' | Refused>;

  /** Gives an open session whose epoch is still `epoch` a new token, and its epoch one more. Of two at once, one wins. */
  abstract rotate(
    sessionId: string,
    epoch: number,
    tokenHash: string,
    at: number,
  ): Promise<'rotated' | Refused>;

  /** Open sessions with neither a resource nor a user, the least recently used first. */
  abstract findDisposable(limit: number): Promise<SessionRecord[]>;

  /** One page of open sessions, in the order asked for. */
  abstract list(query: SessionQuery): Promise<SessionRecord[]>;
}

/** `gone`: no longer open. `stale`: open, but its token has been changed since. */
export type Refused = 'gone' | 'stale';

export interface TokenMatch {
  readonly session: SessionRecord;
  /** Whether it is its current token. */
  readonly current: boolean;
  /** When the token was replaced; `null` for the current one. */
  readonly replacedAt: number | null;
}

export interface Touch {
  readonly sessionId: string;
  readonly at: number;
  /** Requests since the last touch; 0 where only bytes moved. */
  readonly requests: number;
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
