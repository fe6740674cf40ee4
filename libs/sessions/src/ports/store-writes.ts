import type { EndReason, SessionRecord } from '../domain/session.js';

/** `gone`: no longer open. `stale`: open, but its token has been changed since. */
export type Refused = 'gone' | 'stale';

export interface Touch {
  readonly sessionId: string;
  readonly at: number;
  /** Requests since the last touch; 0 where only bytes moved. */
  readonly requests: number;
}

/** A right to finish something, until another process may take it over. */
export interface Lease {
  readonly processId: string;
  /** The node of that process: what it may finish are things of this node. */
  readonly nodeId: string;
  readonly until: number;
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

export interface Claim {
  readonly at: number;
  readonly lease: Lease;
  readonly limit: number;
}

export interface Released {
  readonly resources: number;
  readonly bytes: number;
}

export interface Victim {
  readonly id: string;
  readonly lastUsedAt: number;
}

export interface Settled {
  readonly sizeBytes: number;
  /** `null` leaves the one it was reserved with. */
  readonly mediaType: string | null;
  readonly at: number;
}
