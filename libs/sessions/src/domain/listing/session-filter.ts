import type { UsageBound } from '../limits.js';

/** Which sessions: those that match all that is given. */
export interface SessionFilter {
  readonly userId?: string;
  readonly network?: string;
  /** Last activity at or before this instant. */
  readonly idleSince?: number;
  readonly bytesAbove?: number;
  readonly above?: UsageBound;
  /** Opened at or before this instant. */
  readonly openedUntil?: number;
}
