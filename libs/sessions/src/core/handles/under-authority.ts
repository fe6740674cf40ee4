import type { Authority } from '../../domain/session.js';
import { Session, type SessionRef } from './session.js';

/**
 * Calls `step` with the authority of `session`, `null` for a reference by id alone; and again if the answer is `stale`
 * because a login or regenerate with this very object replaced the token meanwhile: what was begun with it goes on.
 */
export async function underAuthority<Answer>(
  session: SessionRef,
  step: (authority: Authority | null) => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    const authority = Session.authorityOf(session);
    const answer = await step(authority);
    if (answer !== 'stale') return answer;
    await Session.replacement(session);
    if (Session.authorityOf(session) === authority) return answer;
  }
}
