/**
 * Whether a client of Redis can be made of it: a server or a node, maybe with credentials and the number of a
 * database.
 */
export function isRedisUrl(text: string): boolean {
  if (!/^rediss?:\/\/[^\s,]+$/.test(text) || !URL.canParse(text)) return false;
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
