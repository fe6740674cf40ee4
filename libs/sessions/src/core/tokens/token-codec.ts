import type { SessionToken } from './session-token.js';

/** How a client keeps a token and presents it: as a cookie, or in the header `Authorization`. */
export type TokenUse = 'cookie' | 'bearer';

/** Makes tokens, and reads them again: plain ones, or sealed ones if the option `keys` is set. */
export interface TokenCodec {
  /**
   * A new token with 256 random bits, to be presented as a cookie by default. The public id gives its bucket, so that all tokens
   * of a session share it.
   */
  createFor(sessionId: string, use?: TokenUse): SessionToken;

  /**
   * The token with this text, presented as a cookie by default; `null` for one that no live server of this store can have
   * issued. A sealed one counts in its own use alone.
   * @throws SessionsError `TOKEN_KEY_MISSING`: another server can read it, and this one cannot
   */
  open(text: string, use?: TokenUse): SessionToken | null;
}
