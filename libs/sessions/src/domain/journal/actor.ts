import type { CleanupJob } from '../events.js';

/** Who did something to a session. */
export type Actor =
  /** A request or a connection of the session's own client. */
  | { readonly kind: 'client' }
  /** Code of the application, by the session's id. */
  | { readonly kind: 'app' }
  /** A cleanup job of a process. */
  | { readonly kind: 'job'; readonly job: CleanupJob; readonly host: string; readonly pid: number }
  /** What was opened or placed at a limit: the name of its option. */
  | { readonly kind: 'limit'; readonly option: string }
  | Operator;

/** Somebody whose deeds are audited. */
export type Operator =
  /** The holder of an admin token; `keyId`: the first 8 hex digits of its SHA-256. */
  | { readonly kind: 'admin'; readonly keyId: string }
  /** Who ran a command: the name of the system's user, and the host. */
  | { readonly kind: 'cli'; readonly user: string; readonly host: string };

export function isOperator(actor: Actor): actor is Operator {
  return actor.kind === 'admin' || actor.kind === 'cli';
}
