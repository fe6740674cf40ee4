import { labelOf } from './options.js';
import type { SessionsSettings } from './settings.js';

/** Faults of settings that are valid alone, and not together. */
export function conflictsOf({
  maxIdleSeconds,
  maxDurationSeconds,
  store,
  redisUrls,
}: SessionsSettings): string[] {
  const faults: string[] = [];
  // Anything but a number is a fault already, and some values cannot be compared.
  const areNumbers = [maxIdleSeconds, maxDurationSeconds].every(Number.isFinite);
  if (areNumbers && maxIdleSeconds > maxDurationSeconds) {
    faults.push(`${labelOf('maxIdleSeconds')}: must not be more than ${labelOf('maxDurationSeconds')}`);
  }
  if (!Array.isArray(redisUrls)) return faults;
  const [urls, chosen] = [labelOf('redisUrls'), labelOf('store')];
  if (store === 'redis' && redisUrls.length === 0) {
    faults.push(`${urls}: is required where ${chosen} is redis`);
  }
  if (store !== 'redis' && redisUrls.length > 0) {
    faults.push(
      `${urls}: is given, but ${chosen} is not redis: set one of them alone, or the store to redis`,
    );
  }
  return faults;
}
