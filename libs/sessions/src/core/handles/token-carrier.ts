import type { SessionToken } from '../tokens/session-token.js';

/** Sends tokens to the client of a session. */
export interface TokenCarrier {
  carry(token: SessionToken): void;
  /** Resolves when the client has got what was carried to it, or never will. */
  sent(): Promise<void>;
  /** Makes the client drop its token: the session is over. */
  clear(): void;
}
