import { SessionsError } from '../../domain/errors.js';
import { isUserId, isUuid, USER_ID_RULE } from '../../domain/ids.js';
import type { SessionRef } from './session.js';

/** @throws SessionsError `INVALID_ARGUMENT` unless its id is a UUID; the session need not exist */
export function requireSession(session: SessionRef): void {
  if (!isUuid((session as SessionRef | null | undefined)?.id))
    throw invalidArgument('Session id must be a UUID.');
}

/** @throws SessionsError `INVALID_ARGUMENT` unless its id is a UUID; the resource need not exist */
export function requireResource(resource: { readonly id: string }): void {
  if (!isUuid((resource as { readonly id: string } | null | undefined)?.id)) {
    throw invalidArgument('Resource id must be a UUID.');
  }
}

/** @throws SessionsError `INVALID_ARGUMENT` unless it is a user id (see `domain/ids`) */
export function requireUserId(userId: string): void {
  if (!isUserId(userId)) throw invalidArgument(`User id ${USER_ID_RULE}.`);
}

/** @throws SessionsError `INVALID_ARGUMENT` unless `value` is one of `words` */
export function requireWord(option: string, value: string, words: readonly string[]): void {
  if (!words.includes(value)) throw invalidArgument(`Option ${option} must be one of: ${words.join(', ')}.`);
}

/** @throws SessionsError `INVALID_ARGUMENT` unless `value` is absent, or a whole number from 1 to `most` */
export function requireUpTo(option: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return;
  throw invalidArgument(`Option ${option} must be a whole number from 1 to ${most}.`);
}

/** @throws SessionsError `INVALID_ARGUMENT` unless `value` is absent or a boolean */
export function requireFlag(option: string, value: boolean | undefined): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw invalidArgument(`Option ${option} must be true or false.`);
}

/** @throws SessionsError `INVALID_ARGUMENT` unless each property is a string, `null` or absent */
export function requireTexts(given: object | null | undefined, names: readonly string[]): void {
  if (typeof given !== 'object' || given === null)
    throw invalidArgument("A resource description object is required, e.g. { type: 'temp_file' }.");
  const wrong = names.find(
    (name) => !['string', 'undefined'].includes(typeof (Reflect.get(given, name) ?? undefined)),
  );
  if (wrong !== undefined) throw invalidArgument(`Resource ${wrong} must be a string.`);
}

/** @throws SessionsError `INVALID_ARGUMENT` unless it is a function */
export function requireFunction(what: string, given: unknown): void {
  if (typeof given !== 'function') throw invalidArgument(`${what} must be a function.`);
}

export function invalidArgument(message: string): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', message);
}
