import type { SessionsCore } from '../../core/core.js';

/** How commands come to the sessions: through the application's module, or on the environment's settings alone. */
export abstract class SessionsAccess {
  /** Connects where that is still to be done. Rejects with a `SessionsError` where there is nothing to connect to. */
  abstract open(): Promise<SessionsCore>;
}
