import type { SessionsConfig } from '../core/config/config.js';
import { SessionsError } from '../domain/errors.js';
import type { SessionStore } from '../ports/session-store.js';

/** The driver is an optional peer: it is loaded only where Redis was chosen. */
export async function createRedisStore(
  { redisUrls, redisPrefix }: SessionsConfig,
  role: 'server' | 'cli',
): Promise<SessionStore> {
  const { RedisSessionStore } = await loadStore();
  return new RedisSessionStore({ url: redisUrls, prefix: redisPrefix, mustExist: role === 'cli' });
}

async function loadStore() {
  try {
    return await import('../stores/redis/redis-session-store.js');
  } catch (error) {
    if (!(error instanceof Error) || !/Cannot find (?:package|module) 'redis'/.test(error.message))
      throw error;
    throw new SessionsError(
      'CONFIG_INVALID',
      'Sessions in Redis need its client, which is not installed: npm install redis',
      { cause: error },
    );
  }
}
