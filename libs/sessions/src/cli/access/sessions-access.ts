import type { SessionsCore } from '../../core/core.js';

/** Connects commands to the sessions: through the application's module, or configured by the environment alone. */
export abstract class SessionsAccess {
  /** Connects on the first call. Rejects if the store or storage is unreachable. */
  abstract open(): Promise<SessionsCore>;
}
