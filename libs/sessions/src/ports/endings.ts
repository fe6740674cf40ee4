import type { EndReason, SessionRecord } from '../domain/session.js';

/** How a session ends: what is due, `open → ending → ended`, and the end of its tombstone. */
export abstract class EndingsGroup {
  /**
   * `open → ending`, for one caller alone: it gets the record, and the lease to finish the end on its node. `null` for
   * everybody else, and where a condition in `only` does not hold. Each other node that holds files of the session has a
   * part in the end too, which is free to be leased at once: by its clock `end.at` may be still to come.
   */
  abstract beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition): Promise<EndingSession | null>;

  /**
   * Sessions left `ending` whose part on the node of the lease, or that of no node where none holds files, is free:
   * nobody has begun it, or the holder's lease has run out. The oldest first; each is leased to the caller.
   */
  abstract leaseEnding(request: LeaseRequest): Promise<EndingSession[]>;

  /**
   * The node has done its part: drops the records of what it held, and those of streams, and adds what was settled to the
   * totals. `ending → ended` with the last part: a tombstone stays. Address and agent go with the first. Answers what it
   * added; zeros where the session was not `ending`.
   */
  abstract finishEnd(sessionId: string, nodeId: string, at: number): Promise<Released>;

  /** Open sessions whose idle end (see `idleEndsAt`) lies at or before `at`, in the order of those ends. */
  abstract findIdle(at: number, limit: number): Promise<SessionRecord[]>;

  /** Open sessions whose absolute end lies at or before `at`, the oldest first. */
  abstract findExpired(at: number, limit: number): Promise<SessionRecord[]>;

  /** How many open sessions are due at `at`: idle, and expired. */
  abstract countDue(at: number): Promise<{ readonly idle: number; readonly expired: number }>;

  /** Drops at most `limit` tombstones whose absolute end lies at or before `at`; how many it dropped. */
  abstract dropTombstones(at: number, limit: number): Promise<number>;
}

/** A right to finish something, until another process may take it over. */
export interface Lease {
  readonly processId: string;
  /** The node of that process: what it may finish are things of this node. */
  readonly nodeId: string;
  readonly until: number;
}

/** Asks for a lease on what is free at `at`, for `limit` things at most. */
export interface LeaseRequest {
  readonly at: number;
  readonly lease: Lease;
  readonly limit: number;
}

export interface BeginEnd {
  readonly reason: EndReason;
  readonly at: number;
  readonly lease: Lease;
}

/** An end that was decided on what a session looked like: it happens only if it still does. */
export interface EndCondition {
  /** Not active since. */
  readonly lastActivityAt: number;
  /** Still without a resource and a user. */
  readonly disposable?: boolean;
}

/** A session on its way out, as one node sees it. */
export interface EndingSession extends SessionRecord {
  /** Whether the node of the lease holds files of it, in any state. */
  readonly hasFiles: boolean;
}

export interface Released {
  readonly resources: number;
  readonly bytes: number;
}
