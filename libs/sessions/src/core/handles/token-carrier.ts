import type { SessionToken } from '../tokens/session-token.js';
import type { TokenUse } from '../tokens/token-codec.js';

/** Sends tokens to the client of a session. */
export interface TokenCarrier {
  /** How the client presents its tokens. */
  readonly use: TokenUse;
  /** `keptSeconds`: how long the client keeps it; `null`: as long as its browser runs. */
  carry(token: SessionToken, keptSeconds: number | null): void;
  /** Resolves when the client has got what was carried to it, or never will. */
  sent(): Promise<void>;
  /** Makes the client drop its token: the session is over. */
  clear(): void;
}
