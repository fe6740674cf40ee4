import type { LiveSession } from '../server/answers.js';

/** Until a session ends if its client does nothing more; `null` if the server does not tell. */
export function secondsLeft(session: LiveSession, now: number): number | null {
  const ends = [session.expires_at, session.idle_expires_at]
    .map((at) => Date.parse(at ?? ''))
    .filter((at) => !Number.isNaN(at));
  return ends.length === 0 ? null : Math.max(0, (Math.min(...ends) - now) / 1000);
}
