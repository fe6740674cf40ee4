import { SessionsError, staleSession } from '../../domain/errors.js';
import type { Refused } from '../../ports/sessions.js';
import type { CoreContext } from '../process/context.js';

/** The answer of the store, unless it refused the call. */
export function admitted<Answer>(answer: Answer): Exclude<Answer, Refused> {
  const given: unknown = answer;
  if (given === 'gone') throw goneSession();
  if (given === 'stale') throw staleSession();
  return answer as Exclude<Answer, Refused>;
}

/** Why the store answers `gone` for a file on its way into a session. */
export async function whyGone(
  { store, thisProcess }: Pick<CoreContext, 'store' | 'thisProcess'>,
  sessionId: string,
): Promise<SessionsError> {
  const record = await store.sessions.find(sessionId);
  if (record?.state !== 'open') return goneSession();
  // Only a heartbeat tells whether the store dropped this process.
  await thisProcess.requireListed();
  return thisProcess.hasReturnedLately
    ? lostFile()
    : new SessionsError('RESOURCE_GONE', 'The file was released before it had its place in the session.');
}

export function lostFile(): SessionsError {
  return new SessionsError(
    'STORAGE_UNAVAILABLE',
    'This server stood still for so long that others gave up the file: repeat the request.',
    { retryAfterSeconds: 1 },
  );
}

export function stalledFile(): SessionsError {
  return new SessionsError(
    'UPLOAD_ABORTED',
    'The file was released while no byte of it arrived: another file of the session waited for room, or the application released it.',
  );
}

export function goneSession(): SessionsError {
  return new SessionsError('SESSION_GONE', 'The session is over.');
}
