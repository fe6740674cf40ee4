import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares a presented value with known secrets in constant time. */
export class SecretMatcher {
  private readonly digests: readonly Buffer[];

  constructor(secrets: readonly string[]) {
    this.digests = secrets.map(digestOf);
  }

  /** Whether `presented` is one of the secrets. Compares it with all of them, whichever matches. */
  matches(presented: unknown): boolean {
    if (typeof presented !== 'string') return false;
    const digest = digestOf(presented);
    let matches = false;
    for (const known of this.digests) matches = timingSafeEqual(known, digest) || matches;
    return matches;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
