import type { SessionsConfig } from '../core/config/config.js';
import { SessionsError } from '../domain/errors.js';
import type { SessionStore } from '../ports/store/session-store.js';

/** Loads the driver, an optional peer, only if Redis is configured. */
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
      'The Redis store (SESSION_REDIS_URL) requires the package redis, which is not installed: npm install redis',
      { cause: error },
    );
  }
}
