import type { SessionToken } from './session-token.js';

/** Makes tokens, and reads them again: plain ones, or sealed ones if the option `keys` is set. */
export interface TokenCodec {
  /** A new token with 256 random bits. The public id gives its bucket, so that all tokens of a session share it. */
  createFor(sessionId: string): SessionToken;

  /**
   * The token with this text; `null` for one that no live server of this store can have issued.
   * @throws SessionsError `TOKEN_KEY_MISSING`: another server can read it, and this one cannot
   */
  open(text: string): SessionToken | null;
}
