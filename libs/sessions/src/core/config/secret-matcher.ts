import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares what somebody presents with secrets that are known here, in a time that tells nothing of either. */
export class SecretMatcher {
  private readonly digests: readonly Buffer[];

  constructor(secrets: readonly string[]) {
    this.digests = secrets.map(digestOf);
  }

  /** Whether `presented` is one of the secrets. All of them are looked at, whichever it is. */
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
