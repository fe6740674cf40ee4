import { isAbove, type UsageBound } from '../limits.js';
import type { SessionRecord } from '../session.js';
import { isWithin, type AddressRange } from './address-range.js';

/** Which sessions: those that match all that is given. */
export interface SessionFilter {
  readonly userId?: string;
  /** One of the session's two addresses is in it. */
  readonly network?: AddressRange;
  /** Last activity at or before this instant. */
  readonly idleSince?: number;
  /** More bytes in place. */
  readonly bytesAbove?: number;
  /** More files, bytes or streams in place. */
  readonly above?: UsageBound;
  /** Opened at or before this instant; with `userId`, also logged in until then. */
  readonly openedUntil?: number;
}

type Filtered = Pick<
  SessionRecord,
  | 'bytesUsed'
  | 'createdAt'
  | 'ipAddress'
  | 'lastActivityAt'
  | 'loggedInAt'
  | 'otherAddress'
  | 'resourceCount'
  | 'streamCount'
  | 'userId'
>;

export function matchesFilter(filter: SessionFilter, session: Filtered): boolean {
  const { userId, network, idleSince, bytesAbove, above, openedUntil } = filter;
  return (
    (userId === undefined || (session.userId === userId && isBoundUntil(openedUntil, session))) &&
    (idleSince === undefined || session.lastActivityAt <= idleSince) &&
    (bytesAbove === undefined || session.bytesUsed > bytesAbove) &&
    (openedUntil === undefined || session.createdAt <= openedUntil) &&
    (above === undefined || isAbove(above, session)) &&
    (network === undefined || isFrom(network, session))
  );
}

/** Who logged in later was not the user's yet. */
function isBoundUntil(until: number | undefined, { loggedInAt }: Filtered): boolean {
  return until === undefined || loggedInAt === null || loggedInAt <= until;
}

function isFrom(network: AddressRange, { ipAddress, otherAddress }: Filtered): boolean {
  return isWithin(network, ipAddress) || (otherAddress !== null && isWithin(network, otherAddress));
}
