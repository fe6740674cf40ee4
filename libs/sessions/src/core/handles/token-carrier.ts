import type { SessionToken } from './session-token.js';

/** Brings tokens to the client that a session belongs to. */
export interface TokenCarrier {
  carry(token: SessionToken): void;
  /** Its session is over: the client need not keep its token. */
  clear(): void;
}
