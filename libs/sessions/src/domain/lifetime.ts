import type { EndReason, SessionRecord } from './session.js';

/** How long a session lives whose client never returned the cookie, with no resource, data and user: most likely a bot's. */
export const PROVISIONAL_MS = 60_000;

type Lifetime = Pick<
  SessionRecord,
  | 'confirmed'
  | 'dataBytes'
  | 'expiresAt'
  | 'idleMs'
  | 'incomingCount'
  | 'lastActivityAt'
  | 'resourceCount'
  | 'userId'
>;
type Holdings = Pick<SessionRecord, 'dataBytes' | 'incomingCount' | 'resourceCount' | 'userId'>;

/** Whether a session has no resource, in place or on its way in, no data and no user. */
export function isDisposable(session: Holdings): boolean {
  const { dataBytes, incomingCount, resourceCount, userId } = session;
  return resourceCount === 0 && incomingCount === 0 && dataBytes === 0 && userId === null;
}

/** Whether a session's cookie never came back, and it holds nothing: `unconfirmed` in options, reasons and messages. */
export function isProvisional(session: Holdings & Pick<Lifetime, 'confirmed'>): boolean {
  return !session.confirmed && isDisposable(session);
}

/** The idle end of a session, if no activity follows. */
export function idleEndsAt(session: Lifetime): number {
  return idleEndOf(session.lastActivityAt, idleLimitOf(session));
}

/** The idle end of a session that has a user, for one: this long after its last activity. */
export function idleEndOf(lastActivityAt: number, idleMs: number): number {
  return lastActivityAt + idleMs;
}

function idleLimitOf(session: Lifetime): number {
  return isProvisional(session) ? Math.min(PROVISIONAL_MS, session.idleMs) : session.idleMs;
}

/** Why a session is over at `now`, or `null` if it is not. A session of one hour is over when it is exactly one hour old. */
export function whyOver(session: Lifetime, now: number): 'expired' | 'idle' | 'unconfirmed' | null {
  if (now >= session.expiresAt) return 'expired';
  if (now < idleEndsAt(session)) return null;
  return idleReason(session);
}

/** The reason of an end at the idle end. */
export function idleReason(session: Parameters<typeof isProvisional>[0]): 'idle' | 'unconfirmed' {
  return isProvisional(session) ? 'unconfirmed' : 'idle';
}

/**
 * The order in which sessions are evicted at `maxSessions`: lowest rank first, then the least recently used. 0: the cookie
 * never came back, and it holds nothing; 1: the same, but it has resources or data; 2: it holds nothing. `null`: never.
 */
export type EvictionRank = 0 | 1 | 2;

export function evictionRank(session: Holdings & Pick<Lifetime, 'confirmed'>): EvictionRank | null {
  if (session.userId !== null) return null;
  const holdsNothing = isDisposable(session);
  if (!session.confirmed) return holdsNothing ? 0 : 1;
  return holdsNothing ? 2 : null;
}

/** What an end was decided on: the session ends only if it still matches all that is given. */
export interface EndCondition {
  /** No activity after this instant. */
  readonly lastActivityAt?: number;
  /** Still to be evicted at this rank, or before it: see `evictionRank`. */
  readonly evictionRank?: EvictionRank;
  /** Bound to this user. */
  readonly userId?: string;
}

/** The condition of an end for this reason; `undefined` if it is unconditional. */
export function endCondition(reason: EndReason, session: Lifetime): EndCondition | undefined {
  const { lastActivityAt } = session;
  if (reason === 'idle') return { lastActivityAt };
  if (reason === 'unconfirmed') return { lastActivityAt, evictionRank: 0 };
  return reason === 'evicted' ? { lastActivityAt, evictionRank: evictionRank(session) ?? 0 } : undefined;
}

/** The condition of an end that a user asks for: the session is one of theirs. */
export function boundTo(userId: string): EndCondition {
  return { userId };
}

/** The condition of an end that an operator asks for of all sessions that match: what can change from one moment to the next. */
export function stillMatching({ idleSince, userId }: MatchedBy): EndCondition {
  return {
    ...(idleSince !== undefined && { lastActivityAt: idleSince }),
    ...(userId !== undefined && { userId }),
  };
}

interface MatchedBy {
  readonly idleSince?: number;
  readonly userId?: string;
}

/** Whether a session still matches the condition. */
export function meetsEndCondition(
  session: Holdings & Pick<SessionRecord, 'confirmed' | 'lastActivityAt'>,
  { lastActivityAt, evictionRank: most, userId }: EndCondition,
): boolean {
  if (lastActivityAt !== undefined && session.lastActivityAt > lastActivityAt) return false;
  if (userId !== undefined && session.userId !== userId) return false;
  if (most === undefined) return true;
  const rank = evictionRank(session);
  return rank !== null && rank <= most;
}
