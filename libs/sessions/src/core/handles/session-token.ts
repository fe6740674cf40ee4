// `hash` is not imported by name: Node.js 18 has none, and would end with a syntax error instead of `refuseOldNode`.
import crypto, { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { bucketName } from '../../domain/bucket.js';

const TOKEN = /^[A-Za-z0-9_-]{45}$/;

/**
 * The secret in a client's cookie: two characters for the session's bucket, then 256 random bits in base64url. Only
 * `reveal` returns it: logs, errors and JSON show `[redacted]`.
 */
export class SessionToken {
  readonly #text: string;
  /** The form that stores keep: the two characters of the bucket, then the token's SHA-256 in base64url. */
  readonly hash: string;

  private constructor(text: string) {
    this.#text = text;
    this.hash = text.slice(0, 2) + crypto.hash('sha256', text, 'base64url');
  }

  /** A new random token for this session. The public id gives its bucket, so that all tokens of a session share it. */
  static createFor(sessionId: string): SessionToken {
    return new SessionToken(bucketName(sessionId) + randomBytes(32).toString('base64url'));
  }

  /** `null` for a text that this package cannot have issued. */
  static parse(text: string): SessionToken | null {
    return typeof text === 'string' && TOKEN.test(text) ? new SessionToken(text) : null;
  }

  /** The secret itself, for the cookie alone. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}
