import { SessionsError } from '../../domain/errors.js';
import type { SessionRef } from './session.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether `value` can be the id of a session or a resource. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** @throws SessionsError `INVALID_ARGUMENT` unless it names a session, whether there is one or not */
export function requireSession(session: SessionRef): void {
  if (!isId((session as SessionRef | null | undefined)?.id)) throw invalidArgument('A session id is a UUID.');
}

/** @throws SessionsError `INVALID_ARGUMENT` unless it names a resource, whether there is one or not */
export function requireResource(resource: { readonly id: string }): void {
  if (!isId((resource as { readonly id: string } | null | undefined)?.id)) {
    throw invalidArgument('A resource id is a UUID.');
  }
}

/** @throws SessionsError `INVALID_ARGUMENT` unless these are texts, or absent: `null` counts as that, too */
export function requireTexts(given: object | null | undefined, names: readonly string[]): void {
  if (typeof given !== 'object' || given === null)
    throw invalidArgument('What a resource is has to be told.');
  const wrong = names.find(
    (name) => !['string', 'undefined'].includes(typeof (Reflect.get(given, name) ?? undefined)),
  );
  if (wrong !== undefined) throw invalidArgument(`The ${wrong} of a resource is a text.`);
}

export function invalidArgument(message: string): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', message);
}
