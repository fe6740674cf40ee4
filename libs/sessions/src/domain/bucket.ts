/**
 * A session's bucket: the first 12 bits of its random id. Its tokens and resource ids begin with it too, so that a store
 * that spreads sessions over machines can locate each of the three.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NAME_BITS = 6;

/** The bucket of an id, from 0 to 4,095; `null` if the text is no id. */
export function bucketOfId(id: string): number | null {
  return /^[0-9a-f]{3}/.test(id) ? Number.parseInt(id.slice(0, 3), 16) : null;
}

/** The bucket of an id as two base64url characters, with which the session's tokens and their hashes begin. */
export function bucketName(id: string): string {
  const bucket = bucketOfId(id) ?? 0;
  return ALPHABET.charAt(bucket >> NAME_BITS) + ALPHABET.charAt(bucket & 63);
}

/** The bucket that a token or its hash begins with, from 0 to 4,095; `null` if the text is neither. */
export function bucketOfName(text: string): number | null {
  const [high, low] = [ALPHABET.indexOf(text.charAt(0)), ALPHABET.indexOf(text.charAt(1))];
  return text.length < 2 || high < 0 || low < 0 ? null : (high << NAME_BITS) | low;
}

/** `id`, moved to the bucket of a session. */
export function inBucketOf(sessionId: string, id: string): string {
  return sessionId.slice(0, 3) + id.slice(3);
}
