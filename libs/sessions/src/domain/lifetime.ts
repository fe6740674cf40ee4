import type { SessionRecord } from './session.js';

/** A session whose cookie never came back, and that holds nothing, is most likely a bot's: it lives this long. */
export const PROVISIONAL_MS = 60_000;

type Lifetime = Pick<
  SessionRecord,
  'confirmed' | 'expiresAt' | 'idleMs' | 'lastActivityAt' | 'resourceCount' | 'userId'
>;

/** The instant at which it will have idled too long, if nothing more happens. */
export function idleEndsAt(session: Lifetime): number {
  const provisional = !session.confirmed && session.resourceCount === 0 && session.userId === null;
  return session.lastActivityAt + (provisional ? Math.min(PROVISIONAL_MS, session.idleMs) : session.idleMs);
}

/**
 * Why a session is over by its own limits at `now`, or `null` while it is within them. A limit is reached at its very
 * instant: a session of one hour is over when it is one hour old.
 */
export function whyOver(session: Lifetime, now: number): 'expired' | 'idle' | null {
  if (now >= session.expiresAt) return 'expired';
  if (now >= idleEndsAt(session)) return 'idle';
  return null;
}
