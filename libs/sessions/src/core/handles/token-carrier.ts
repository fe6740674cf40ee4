import type { SessionToken } from '../tokens/session-token.js';
import type { TokenUse } from '../tokens/token-codec.js';

/** Sends tokens to the client of a session. */
export interface TokenCarrier {
  /** How the client presents its tokens. */
  readonly use: TokenUse;
  carry(token: SessionToken): void;
  /** Resolves when the client has got what was carried to it, or never will. */
  sent(): Promise<void>;
  /** Makes the client drop its token: the session is over. */
  clear(): void;
}
