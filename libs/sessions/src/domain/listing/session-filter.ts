import type { SessionRecord } from '../session.js';
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

export function matchesFilter(filter: SessionFilter, session: SessionRecord): boolean {
  const { userId, idleSince, bytesAbove, openedUntil, network } = filter;
  if (userId !== undefined && session.userId !== userId) return false;
  if (network !== undefined && session.ipAddress !== network) return false;
  if (idleSince !== undefined && session.lastActivityAt > idleSince) return false;
  if (bytesAbove !== undefined && session.bytesUsed <= bytesAbove) return false;
  return openedUntil === undefined || session.createdAt <= openedUntil;
}
