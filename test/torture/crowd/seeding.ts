import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { bucketName } from '#sessions/domain/bucket';
import type { NewSession } from '#sessions/domain/session';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { inParallel } from '../processes/in-parallel.ts';

const AT_ONCE = 200;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MANY = { maxSessions: 10_000_000, network: null };

/** What a session is due for at an instant: one that is idle then, or one whose time is up. */
const LIVES = {
  idle: (dueAt: number) => ({ createdAt: dueAt - MINUTE, idleMs: MINUTE, expiresAt: dueAt + HOUR }),
  expired: (dueAt: number) => ({ createdAt: dueAt - MINUTE / 2, idleMs: HOUR, expiresAt: dueAt }),
};

/** Opens so many sessions that are all due at `dueAt`. */
export async function seed(
  store: SessionStore,
  count: number,
  reason: keyof typeof LIVES,
  dueAt: number,
): Promise<string[]> {
  const sessions = Array.from({ length: count }, () => ({ ...stranger(), ...LIVES[reason](dueAt) }));
  await inParallel(sessions, AT_ONCE, async (session) => {
    await store.sessions.open(session, MANY);
  });
  return sessions.map(({ id }) => id);
}

function stranger(): Pick<NewSession, 'id' | 'tokenHash' | 'ipAddress' | 'userAgent'> {
  const id = randomUUID();
  const tokenHash = bucketName(id) + createHash('sha256').update(randomBytes(32)).digest('base64url');
  return { id, tokenHash, ipAddress: '192.0.2.1', userAgent: 'torture' };
}
