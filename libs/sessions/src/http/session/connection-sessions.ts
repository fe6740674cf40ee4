import type { Session } from '../../core/handles/session.js';

const sessions = new WeakMap<object, Session>();

/** @internal Remembers the session of a connection. */
export function noteSessionOf(connection: object, session: Session): void {
  sessions.set(connection, session);
}

/** The session of a live connection; in a gateway, pass its client. `null` if the connection has no session. */
export function sessionOf(connection: object): Session | null {
  return sessions.get(connection) ?? null;
}
