import { labelOf } from './options.js';
import type { SessionsSettings } from './settings.js';

/** Faults of settings that are valid alone but not together. */
export function conflictsOf({
  maxIdleSeconds,
  maxDurationSeconds,
  store,
  redisUrls,
  keys,
  adminTokens,
  adminReadTokens,
}: SessionsSettings): string[] {
  const faults: string[] = [];
  // Other types are reported by validation already, and some of them cannot be compared.
  const areNumbers = [maxIdleSeconds, maxDurationSeconds].every(Number.isFinite);
  if (areNumbers && maxIdleSeconds > maxDurationSeconds) {
    faults.push(
      `${labelOf('maxIdleSeconds')}: must be at most ${labelOf('maxDurationSeconds')}, ` +
        `which is ${maxDurationSeconds} seconds, not ${maxIdleSeconds}`,
    );
  }
  if (Array.isArray(keys) && new Set(keys).size < keys.length) {
    faults.push(`${labelOf('keys')}: must not list a key twice`);
  }
  if (Array.isArray(adminTokens) && Array.isArray(adminReadTokens)) {
    const isInBoth = adminReadTokens.some((token) => adminTokens.includes(token));
    if (isInBoth)
      faults.push(`${labelOf('adminReadTokens')}: must not list a token of ${labelOf('adminTokens')}`);
  }
  if (!Array.isArray(redisUrls)) return faults;
  const [urls, chosen] = [labelOf('redisUrls'), labelOf('store')];
  if (store === 'redis' && redisUrls.length === 0) {
    faults.push(`${urls}: is required if ${chosen} is redis`);
  }
  if (store !== 'redis' && redisUrls.length > 0) {
    faults.push(`${urls}: is set, but ${chosen} is not redis: remove one of them, or set the store to redis`);
  }
  return faults;
}
