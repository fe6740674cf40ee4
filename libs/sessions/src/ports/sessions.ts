import type { UsageBound } from '../domain/limits.js';
import type { SessionFilter } from '../domain/listing/session-filter.js';
import type { SortedBy, ValueRange } from '../domain/listing/value-range.js';
import type { Authority, NewSession, SessionRecord } from '../domain/session.js';
import type { DeedNote, LoginNote } from './record/journal.js';

/** Opens, finds, touches and lists sessions; logs users in and replaces tokens. */
export abstract class SessionsGroup {
  /**
   * Adds an open session within the limits, and counts it for its network in the same step; else adds and counts nothing.
   * Never overwrites: an id or token of another session rejects with `INVALID_ARGUMENT`, a repeat answers `opened` and
   * changes nothing. A store may require that session id, token hash and resource ids name the same bucket, as those of the
   * core do (see `domain/bucket`: a bucket is a slot of the store that holds a share of the sessions), and reject others with
   * `INVALID_ARGUMENT` too.
   */
  abstract open(
    session: NewSession,
    limits: OpeningLimits,
    note?: DeedNote | null,
  ): Promise<'opened' | RefusedOpening>;

  /** Rejects if `open` would reject now, because the store is damaged, full or takes no writes. Adds nothing. */
  abstract probe(): Promise<void>;

  /**
   * The session with this current token, in any state, as long as a tombstone is kept; or with this replaced one: at least
   * `REPLACED_MS` after its replacement, unless `MOST_REPLACED` others of the session were replaced since. `null` for none.
   */
  abstract findByToken(tokenHash: string): Promise<TokenMatch | null>;

  /** A session in any state; `null` for none. */
  abstract find(sessionId: string): Promise<SessionRecord | null>;

  /**
   * Moves last activity forward, never back and never past the session's absolute end, and counts requests. Skips sessions
   * that are not open. A touch of one request or more confirms the session. Durable soon after it resolves, not at once.
   */
  abstract touch(touches: readonly Touch[]): Promise<void>;

  /**
   * Binds a user to an open session and replaces its token, in one step; `taken` if it is bound to another user; `stale` for
   * any authority but that of the current token (see `isReplaced`): of several at once, one wins; `full` if the user has
   * `login.maxSessions` others. A repeat answers `done` and
   * changes nothing while its token is the current one, and `stale` after that. A token hash of another session rejects with
   * `INVALID_ARGUMENT`.
   */
  abstract login(
    sessionId: string,
    authority: Authority | null,
    login: NewLogin,
  ): Promise<'done' | 'taken' | 'full' | Refused>;

  /** Replaces the token alone; else like `login`. */
  abstract regenerate(
    sessionId: string,
    authority: Authority | null,
    token: NewToken,
  ): Promise<'done' | Refused>;

  /**
   * Records the client's address of the other family, if none is recorded: `taken` if another one is. A repeat answers `done`
   * and changes nothing. `stale`: see `login`.
   */
  abstract learnAddress(
    sessionId: string,
    authority: Authority | null,
    ipAddress: string,
  ): Promise<'done' | 'taken' | Refused>;

  /**
   * Open sessions that may be evicted to make room, of all or of the network with this key, in that order: by `evictionRank`, then
   * the least recently used first.
   */
  abstract findEvictable(limit: number, network?: string | null): Promise<SessionRecord[]>;

  /** Forgets the networks that opened no session in the last 65 s before `at`; answers how many the store still kept. */
  abstract forgetNetworks(at: number): Promise<number>;

  /**
   * Ids of open sessions that hold more files, bytes or streams than this, in no order: all of them, or `limit`. The work is
   * proportional to the answer, and to the number of open streams.
   */
  abstract findAbove(usage: UsageBound, limit: number): Promise<string[]>;

  /**
   * The next open sessions that match, in the order of `query.sort`. One call looks at some thousand sessions at most, so it
   * may answer fewer than `limit`, even none, with `next`. With `filter.userId` only the last page is short.
   */
  abstract list(query: SessionQuery): Promise<SessionSlice>;

  /** Ids of sessions in any state that begin with these at least three characters, in their order; at most `limit`. */
  abstract findIds(prefix: string, limit: number): Promise<string[]>;
}

/** The limits that an opening must keep. */
export interface OpeningLimits {
  /** Open sessions, over all networks. */
  readonly maxSessions: number;
  /** The network that the session is counted for; `null`: for none. */
  readonly network: NetworkLimits | null;
}

/** What one network may open and hold, over all processes. */
export interface NetworkLimits {
  /** Names the network: `192.0.2.7/32`. */
  readonly key: string;
  /** Sessions opened in any 60 s (see `countEvent`); 0: no limit. */
  readonly openRate: number;
  /**
   * Open sessions that `isProvisional` is true of, from the opening to their idle end; 0: no limit. A store may count a session
   * that got a resource or a user until its next touch.
   */
  readonly maxUnconfirmed: number;
  /** Open sessions without a user. Default, and 0: no limit. A store that keeps its sessions on several servers may not keep it. */
  readonly maxSessions?: number;
}

/**
 * `full`: `maxSessions` are open; `network-full`: so are the `maxSessions` of the network. The other limits of the network are
 * checked first.
 */
export type RefusedOpening = 'full' | 'network-full' | RefusedNetwork;

export interface RefusedNetwork {
  readonly refused: 'rate' | 'unconfirmed';
  /** Milliseconds until one more opening fits at the latest, if no other takes its place; more than 0. */
  readonly retryAfterMs: number;
}

/** `gone`: the session is not open. `stale`: it is open, but the given authority may no longer act (see `isStale`). */
export type Refused = 'gone' | 'stale';

/** The token that replaces the current one, and when. */
export interface NewToken {
  readonly tokenHash: string;
  readonly at: number;
  /**
   * Whether what acts by the replaced token's authority, and by those kept so far, may go on: the latest `MOST_REPLACED` are
   * kept until a replacement without it. Logins keep none. Default: false.
   */
  readonly keepsAuthority?: boolean;
  /** Enters `regenerated`. Default: nothing is entered. */
  readonly note?: DeedNote | null;
}

export interface NewLogin extends NewToken {
  readonly userId: string;
  /**
   * Open sessions that the user may have with this one. Default, and 0: no limit. A store that keeps its sessions on several servers
   * may not keep it.
   */
  readonly maxSessions?: number;
  /** Whether the session's data is deleted in the same step. Default: false. */
  readonly dropsData?: boolean;
  /** The absolute end from now on; only a login moves it. Default: the session's. */
  readonly expiresAt?: number;
  /** Longest time without activity from now on. Default: the session's. */
  readonly idleMs?: number;
  /** Whether the client keeps its tokens until the absolute end, until the next login says otherwise. Default: false. */
  readonly remembered?: boolean;
  /** Enters `login`. Default: nothing is entered. */
  readonly note?: LoginNote | null;
}

export interface TokenMatch {
  readonly session: SessionRecord;
  /** Whether the token is the current one, not a replaced one. */
  readonly current: boolean;
  /** When the token was replaced; `null` for the current one. */
  readonly replacedAt: number | null;
}

export interface Touch {
  readonly sessionId: string;
  readonly at: number;
  /** Requests since the last touch; 0 if only bytes were transferred. */
  readonly requests: number;
}

export const SESSION_SORTS = [
  'created_at',
  '-created_at',
  'last_activity',
  '-last_activity',
  'total_bytes_used',
  '-total_bytes_used',
] as const;
/** A leading `-` sorts descending. Ties are sorted by id. */
export type SessionSort = (typeof SESSION_SORTS)[number];

const SORTED_BY = {
  created_at: 'createdAt',
  last_activity: 'lastActivityAt',
  total_bytes_used: 'bytesUsed',
} as const satisfies Record<string, SortedBy>;

export interface SessionOrder {
  /** The property that the sort compares. */
  readonly by: SortedBy;
  readonly descending: boolean;
}

export function orderOf(sort: SessionSort): SessionOrder {
  const descending = sort.startsWith('-');
  const name = (descending ? sort.slice(1) : sort) as keyof typeof SORTED_BY;
  return { by: SORTED_BY[name], descending };
}

/** A place between two sessions of a list: after the one with this id, at this value of what the list is sorted by. */
export interface ListPosition {
  readonly value: number;
  readonly id: string;
}

/** Not before any id of a session. */
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export function positionOf({ by }: SessionOrder, session: SessionRecord): ListPosition {
  return { value: session[by], id: session.id };
}

/** Where a store begins to look for sessions with values in this range: after the position, or at the first one of the range. */
export function startOf(
  { descending }: SessionOrder,
  { least, most }: ValueRange,
  after: ListPosition | undefined,
): ListPosition {
  const first = descending ? most : least;
  const isWithin = after !== undefined && (descending ? after.value <= first : after.value >= first);
  return isWithin ? after : { value: first, id: '' };
}

export interface SessionQuery {
  readonly limit: number;
  readonly sort: SessionSort;
  /** Default: all open sessions. */
  readonly filter?: SessionFilter;
  /** Where the page begins. Default: before the first session. */
  readonly after?: ListPosition;
}

export interface SessionSlice {
  readonly sessions: readonly SessionRecord[];
  /** Where the next page begins; `null` if no more sessions match. Where it is not, that page may be empty. */
  readonly next: ListPosition | null;
}
