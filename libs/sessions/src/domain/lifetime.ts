import type { EndReason, SessionRecord } from './session.js';

/** Idle time of a session without resources and user whose client never returned the cookie: most likely a bot's. */
export const PROVISIONAL_MS = 60_000;

type Lifetime = Pick<
  SessionRecord,
  'confirmed' | 'expiresAt' | 'idleMs' | 'lastActivityAt' | 'resourceCount' | 'userId'
>;

/** Whether a session has neither resources nor a user: at `maxSessions` it may be evicted. */
export function isDisposable(session: Pick<SessionRecord, 'resourceCount' | 'userId'>): boolean {
  return session.resourceCount === 0 && session.userId === null;
}

/** The idle end of a session, if no activity follows. */
export function idleEndsAt(session: Lifetime): number {
  const isProvisional = !session.confirmed && isDisposable(session);
  return session.lastActivityAt + (isProvisional ? Math.min(PROVISIONAL_MS, session.idleMs) : session.idleMs);
}

/** Why a session is over at `now`, or `null` if it is not. A session of one hour is over when it is exactly one hour old. */
export function whyOver(session: Lifetime, now: number): 'expired' | 'idle' | null {
  if (now >= session.expiresAt) return 'expired';
  if (now >= idleEndsAt(session)) return 'idle';
  return null;
}

/** The snapshot of a session that an end was decided on: the session ends only if it still matches. */
export interface EndCondition {
  /** No activity after this instant. */
  readonly lastActivityAt: number;
  /** Still without a resource and a user. */
  readonly disposable?: boolean;
}

/** The condition of an end for this reason; `undefined` if it is unconditional. */
export function endCondition(
  reason: EndReason,
  { lastActivityAt }: Pick<SessionRecord, 'lastActivityAt'>,
): EndCondition | undefined {
  if (reason === 'idle') return { lastActivityAt };
  return reason === 'evicted' ? { lastActivityAt, disposable: true } : undefined;
}

/** Whether a session still matches the snapshot. */
export function meetsEndCondition(
  session: Pick<SessionRecord, 'lastActivityAt' | 'resourceCount' | 'userId'>,
  { lastActivityAt, disposable = false }: EndCondition,
): boolean {
  return session.lastActivityAt <= lastActivityAt && (!disposable || isDisposable(session));
}
