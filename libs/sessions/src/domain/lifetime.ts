import type { SessionRecord } from './session.js';

/** Idle time of a session without resources and user whose client never returned the cookie: most likely a bot's. */
export const PROVISIONAL_MS = 60_000;

type Lifetime = Pick<
  SessionRecord,
  'confirmed' | 'expiresAt' | 'idleMs' | 'lastActivityAt' | 'resourceCount' | 'userId'
>;

/** The idle end of a session, if no activity follows. */
export function idleEndsAt(session: Lifetime): number {
  const provisional = !session.confirmed && session.resourceCount === 0 && session.userId === null;
  return session.lastActivityAt + (provisional ? Math.min(PROVISIONAL_MS, session.idleMs) : session.idleMs);
}

/** Why a session is over at `now`, or `null` if it is not. A session of one hour is over when it is exactly one hour old. */
export function whyOver(session: Lifetime, now: number): 'expired' | 'idle' | null {
  if (now >= session.expiresAt) return 'expired';
  if (now >= idleEndsAt(session)) return 'idle';
  return null;
}
