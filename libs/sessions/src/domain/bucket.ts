/**
 * A session's bucket: the first 12 bits of its random id. Its tokens and its resources name it too, so that a store that
 * spreads sessions over machines knows from any of the three where to look.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NAME_BITS = 6;

/** As a number from 0 to 4,095; `null` for what is no id. */
export function bucketOfId(id: string): number | null {
  return /^[0-9a-f]{3}/.test(id) ? Number.parseInt(id.slice(0, 3), 16) : null;
}

/** As the two base64url characters that a session's tokens and their hashes begin with. */
export function bucketName(id: string): string {
  const bucket = bucketOfId(id) ?? 0;
  return ALPHABET.charAt(bucket >> NAME_BITS) + ALPHABET.charAt(bucket & 63);
}

/** The number that the first two characters of a token or its hash name; `null` where they name none. */
export function bucketOfName(text: string): number | null {
  const [high, low] = [ALPHABET.indexOf(text.charAt(0)), ALPHABET.indexOf(text.charAt(1))];
  return text.length < 2 || high < 0 || low < 0 ? null : (high << NAME_BITS) | low;
}

/** The same random id, moved to the bucket of a session. */
export function inBucketOf(sessionId: string, id: string): string {
  return sessionId.slice(0, 3) + id.slice(3);
}
