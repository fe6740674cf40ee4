import { SessionsError, staleSession } from '../../domain/errors.js';
import type { Refused } from '../../ports/sessions.js';

/** The answer of the store, unless it refused the call. */
export function admitted<Answer>(answer: Answer): Exclude<Answer, Refused> {
  const given: unknown = answer;
  if (given === 'gone') throw goneSession();
  if (given === 'stale') throw staleSession();
  return answer as Exclude<Answer, Refused>;
}

export function goneSession(): SessionsError {
  return new SessionsError('SESSION_GONE', 'The session is over.');
}
