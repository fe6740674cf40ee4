import type { Session } from '../../core/handles/session.js';

const sessions = new WeakMap<object, Session>();

/** @internal Notes whose connection this is. */
export function noteSessionOf(connection: object, session: Session): void {
  sessions.set(connection, session);
}

/** The session that a live connection belongs to: in gateways, of the client they are given. `null` if it has none. */
export function sessionOf(connection: object): Session | null {
  return sessions.get(connection) ?? null;
}
