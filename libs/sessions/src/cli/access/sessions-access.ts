import type { SessionsConfig } from '../../core/config/config.js';
import type { SessionsCore } from '../../core/core.js';
import type { Clock } from '../../ports/clock.js';

/** What commands work with, once it is connected. */
export interface OpenSessions {
  readonly core: SessionsCore;
  readonly config: SessionsConfig;
  readonly clock: Clock;
}

/** How commands come to the sessions: through the application's module, or on the environment's settings alone. */
export abstract class SessionsAccess {
  /** Connects where that is still to be done. Rejects with a `SessionsError` where there is nothing to connect to. */
  abstract open(): Promise<OpenSessions>;
}
