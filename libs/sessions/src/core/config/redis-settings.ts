import type { SessionsSettings } from './settings.js';

type NameOf = (name: 'store' | 'redisUrls') => string;

/** What is wrong with the settings of Redis, seen together. No URL is repeated: it may hold a password. */
export function redisFaultsOf({ store, redisUrls }: SessionsSettings, nameOf: NameOf): string[] {
  if (!Array.isArray(redisUrls)) return [];
  const [urls, chosen] = [nameOf('redisUrls'), nameOf('store')];
  if (store === 'redis' && redisUrls.length === 0) return [`${urls}: is needed where ${chosen} is redis`];
  const faults: string[] = [];
  if (store !== 'redis' && redisUrls.length > 0) {
    faults.push(`${urls}: is given, but ${chosen} is not redis: set one of them alone, or redis`);
  }
  if (!redisUrls.every(isUsable)) {
    faults.push(`${urls}: cannot be read as a URL; in a password, encode what is special there (, is %2C)`);
  }
  return faults;
}

function isUsable(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { hostname, pathname, username, password } = new URL(text);
  return hostname !== '' && /^\/?\d*$/.test(pathname) && [username, password].every(isDecodable);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
