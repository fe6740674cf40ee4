import type { Actor } from '../../domain/journal/actor.js';
import { Session, type SessionRef } from './session.js';

export const CLIENT: Actor = Object.freeze({ kind: 'client' });
export const APP: Actor = Object.freeze({ kind: 'app' });

/** Who acts with this object: the client whose request was given it, or the application, for any other object or an id. */
export function actorOf(session: SessionRef): Actor {
  return Session.carrierOf(session) === null ? APP : CLIENT;
}

/** What was done to make room at the limit of this option. */
export function limitOf(option: string): Actor {
  return { kind: 'limit', option };
}
