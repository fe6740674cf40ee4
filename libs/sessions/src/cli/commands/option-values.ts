import { SESSION_SORTS, type SessionSort } from '../../ports/session-store.js';
import { usage } from '../output/command-failure.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WHOLE_NUMBER = /^(0|[1-9]\d{0,15})$/;
const MAX_USER_ID = 255;
/** Whoever forgets a value gives the option that comes next for it. */
const OPTION = /^--[a-z]+(-[a-z]+)*(=|$)/;

/** Texts as they were given: an option twice is two texts, so that a contradiction is not decided in silence. */
export type Given = readonly string[] | undefined;

export function gather(value: string, before: Given): string[] {
  return [...(before ?? []), value];
}

/** The one text of an option; `undefined` where it was not given. */
export function single(option: string, given: Given): string | undefined {
  if (given === undefined) return undefined;
  if (given.length > 1) throw usage(`${option} was given more than once`);
  return given[0];
}

export function wholeNumber(option: string, given: Given, from: number, to: number): number | undefined {
  const text = single(option, given);
  if (text === undefined) return undefined;
  const number = WHOLE_NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!(number >= from && number <= to)) throw usage(`${option} takes a whole number from ${from} to ${to}`);
  return number;
}

export function sort(given: Given): SessionSort | undefined {
  const text = single('--sort', given);
  if (text === undefined) return undefined;
  const known = SESSION_SORTS.find((name) => name === text);
  if (!known) throw usage(`--sort takes one of ${SESSION_SORTS.join(', ')}`);
  return known;
}

export function userId(given: Given): string | undefined {
  const text = single('--user', given);
  if (text === '' || (text !== undefined && text.length > MAX_USER_ID)) {
    throw usage(`--user takes a user id of 1 to ${MAX_USER_ID} characters`);
  }
  if (text !== undefined && OPTION.test(text)) throw usage('--user takes a user id, and got another option');
  return text;
}

export function nodeId(text: string): string {
  if (!UUID.test(text)) throw usage('a node id is a UUID, in lower case, as `nodes list` shows it');
  return text;
}

export function sessionId(text: string): string {
  if (!UUID.test(text)) throw usage('a session id is a UUID, in lower case, as `list` shows it');
  return text;
}
