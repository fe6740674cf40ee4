import type { SessionToken } from './session-token.js';

/** Sends tokens to the client of a session. */
export interface TokenCarrier {
  carry(token: SessionToken): void;
  /** Makes the client drop its token: the session is over. */
  clear(): void;
}
