import { createHash } from 'node:crypto';

const TOKEN_LENGTH = 45;
const HASH_LENGTH = 43;
const RUNS = /[A-Za-z0-9_-]{43,}/g;

/** All that nobody but its owner may ever see: whatever shows it has broken a promise. */
export class Secrets {
  readonly #fixed: readonly string[];
  readonly #tokens = new Set<string>();
  readonly #hashes = new Set<string>();

  /** `fixed`: passwords and the like, looked for in every spelling that logs and databases may give them. */
  constructor(fixed: readonly string[]) {
    this.#fixed = fixed.flatMap((secret) => [
      secret,
      Buffer.from(secret).toString('base64').replaceAll('=', ''),
      Buffer.from(secret).toString('base64url'),
      Buffer.from(secret).toString('hex'),
      encodeURIComponent(secret),
    ]);
  }

  get size(): number {
    return this.#tokens.size;
  }

  /** A session's token, as its cookie carried it; whether nobody was given it before. */
  add(token: string): boolean {
    if (this.#tokens.has(token)) return false;
    this.#tokens.add(token);
    this.#hashes.add(hashOf(token));
    return true;
  }

  /** The first secret in `text`. Stores know tokens by their hashes, and nothing but a store may. */
  findIn(text: string, where: 'anywhere' | 'store' = 'anywhere'): string | null {
    const fixed = this.#fixed.find((secret) => text.includes(secret));
    if (fixed !== undefined) return fixed;
    for (const [run] of text.matchAll(RUNS)) {
      const found = this.#within(run, TOKEN_LENGTH, this.#tokens);
      if (found) return found;
      const hash = where === 'anywhere' ? this.#within(run, HASH_LENGTH, this.#hashes) : null;
      if (hash) return hash;
    }
    return null;
  }

  #within(run: string, length: number, known: ReadonlySet<string>): string | null {
    for (let at = 0; at + length <= run.length; at += 1) {
      const part = run.slice(at, at + length);
      if (known.has(part)) return part;
    }
    return null;
  }
}

/** What a store knows a token by: but for the bucket before it, which is no secret. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
