/** Whether `text` is the URL of a Redis server or node, optionally with credentials and a database number. */
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
