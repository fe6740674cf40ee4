import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares a presented value with known secrets in constant time. */
export class SecretMatcher {
  private readonly digests: readonly Buffer[];

  constructor(secrets: readonly string[]) {
    this.digests = secrets.map(digestOf);
  }

  /** Whether `presented` is one of the secrets. Compares it with all of them, whichever matches. */
  matches(presented: unknown): boolean {
    return this.keyIdOf(presented) !== null;
  }

  /** The key id of `presented`, which names the secret and does not reveal it; `null` if it is none. Compares as `matches` does. */
  keyIdOf(presented: unknown): string | null {
    if (typeof presented !== 'string') return null;
    const digest = digestOf(presented);
    let matches = false;
    for (const known of this.digests) matches = timingSafeEqual(known, digest) || matches;
    return matches ? shortened(digest) : null;
  }
}

/** Names a secret and does not reveal it: the first 8 hex digits of its SHA-256. */
export function keyIdOf(secret: string): string {
  return shortened(digestOf(secret));
}

function shortened(digest: Buffer): string {
  return digest.toString('hex', 0, 4);
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
