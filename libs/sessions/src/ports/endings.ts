import type { EndCondition } from '../domain/lifetime.js';
import type { EndReason, SessionRecord } from '../domain/session.js';
import type { EndedEntry } from '../domain/journal/entry.js';
import type { DeedNote } from './record/journal.js';
import type { ListPosition } from './sessions.js';

/** Ends sessions: finds the due ones, leads them through `open → ending → ended`, drops tombstones. */
export abstract class EndingsGroup {
  /**
   * `open → ending`, and erases address and agent. One caller wins: it gets the record, and the lease to finish the end on its node. `null` for all
   * others, and if the session does not meet `only`. Every other node with files of the session has a part in the end,
   * which it may lease at once, even while `end.at` is in the future by its own clock.
   */
  abstract beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition): Promise<EndingSession | null>;

  /**
   * Leases to the caller, oldest first, `ending` sessions whose part on the lease's node is free: not begun, or its lease
   * has expired. A session without files on any node has one part, which every node may lease.
   */
  abstract leaseEnding(request: LeaseRequest): Promise<EndingSession[]>;

  /**
   * Completes the node's part, whose files are deleted: drops the records of its files and of streams, and adds those that
   * were ever complete to the totals. The last part makes `ending → ended`: a tombstone stays, without the user. Answers
   * what it added; zeros unless the session was `ending`.
   */
  abstract finishEnd(sessionId: string, nodeId: string, at: number): Promise<Released>;

  /** Open sessions whose idle end (see `idleEndsAt`) is at or before `at`, by end, then id; those that come after `after`. */
  abstract findIdle(at: number, limit: number, after?: DueAfter | null): Promise<SessionRecord[]>;

  /** Open sessions whose absolute end is at or before `at`, by end, then id; those that come after `after`. */
  abstract findExpired(at: number, limit: number, after?: DueAfter | null): Promise<SessionRecord[]>;

  /** Counts the open sessions that are due at `at`: idle, and expired. */
  abstract countDue(at: number): Promise<{ readonly idle: number; readonly expired: number }>;

  /** One page of the sessions that are over, and ended with `keptUntil`: latest end first, then by id. */
  abstract listEnded(query: EndedQuery): Promise<EndedSlice>;

  /** Drops at most `limit` tombstones, with their timelines, that need not be kept beyond `at`; answers how many. */
  abstract dropTombstones(at: number, limit: number): Promise<number>;
}

/** A process has this long to finish an end or a release before another may. */
export const LEASE_MS = 60_000;

/** No lease ends later than this from now: the clocks of processes agree better. */
export const LATEST_LEASE_MS = 2 * LEASE_MS;

/** The last session of a page of due ones: the next page begins after its end and id. */
export interface DueAfter {
  readonly endsAt: number;
  readonly id: string;
}

/** The exclusive right to finish something; after `until`, another process may lease it. */
export interface Lease {
  readonly processId: string;
  /** The node of that process: the lease covers things of this node alone. */
  readonly nodeId: string;
  readonly until: number;
}

/** Requests leases on at most `limit` things that are free at `at`. */
export interface LeaseRequest {
  readonly at: number;
  readonly lease: Lease;
  readonly limit: number;
}

export interface BeginEnd {
  readonly reason: EndReason;
  readonly at: number;
  readonly lease: Lease;
  /** Enters `ended`, and into the audit if an operator did it. Default: nothing is entered. */
  readonly note?: DeedNote | null;
  /** Requests that the caller has counted and not yet flushed: those of `ended` are so many more. Default: 0. */
  readonly requests?: number;
  /** The tombstone and its timeline are kept until this instant, and until the absolute end in any case. Default: no longer. */
  readonly keptUntil?: number | null;
}

/** A session in state `ending`, as one node sees it. */
export interface EndingSession extends SessionRecord {
  /** Whether the lease's node has files of the session, in any state. */
  readonly hasFiles: boolean;
}

export interface EndedQuery {
  readonly limit: number;
  /** The hash of the session's latest login. Default: of any. */
  readonly userHash?: string;
  /** Where the page begins; its `value` is the instant of an end. */
  readonly after?: ListPosition;
}

export interface EndedSlice {
  readonly sessions: readonly EndedRecord[];
  /** Where the next page begins; `null` if this is the last. */
  readonly next: ListPosition | null;
}

/** What is left of a session that is over. */
export interface EndedRecord {
  readonly id: string;
  readonly state: 'ending' | 'ended';
  readonly createdAt: number;
  readonly endedAt: number;
  readonly endReason: EndReason | null;
  /** The entry of its end; `null` if the timeline was dropped. */
  readonly end: EndedEntry | null;
}

export interface Released {
  readonly resources: number;
  readonly bytes: number;
}

/** The sum of several releases. */
export function totalReleased(parts: readonly Released[]): Released {
  return {
    resources: parts.reduce((sum, { resources }) => sum + resources, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
