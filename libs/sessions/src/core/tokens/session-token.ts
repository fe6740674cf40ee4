import { inspect } from 'node:util';

/** What is told of a token beside its text. */
interface TokenFacts {
  /** The form that stores keep: two characters for the session's bucket, then 43 that the token alone leads to. */
  readonly hash: string;
  /** The session that the token names; `null` where only the store can tell, because the token is not sealed. */
  readonly sessionId: string | null;
}

/** The secret in a client's cookie. Only `reveal` returns it: logs, errors and JSON show `[redacted]`. */
export class SessionToken {
  readonly #text: string;
  readonly hash: string;
  readonly sessionId: string | null;

  constructor(text: string, { hash, sessionId }: TokenFacts) {
    this.#text = text;
    this.hash = hash;
    this.sessionId = sessionId;
  }

  /** Whether the token may be one of this session: a sealed one counts for the session that it names alone. */
  mayBeOf(sessionId: string): boolean {
    return this.sessionId === null || this.sessionId === sessionId;
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
