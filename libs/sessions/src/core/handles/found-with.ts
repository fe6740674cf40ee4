import { Session, type SessionRef } from './session.js';

const foundWith = new WeakMap<object, Session>();

/** Notes that a record was found with this `Session`: what is read by it is cut off with the session's token. */
export function noteFoundWith<Resource extends object>(resource: Resource, session: SessionRef): Resource {
  if (session instanceof Session) foundWith.set(resource, session);
  return resource;
}

/** The `Session` that a record was found with; `null` if it was found by the session's id, or is another object. */
export function sessionFoundWith(resource: object): Session | null {
  return foundWith.get(resource) ?? null;
}
