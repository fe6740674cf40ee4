import { isId } from '../../core/handles/arguments.js';
import { usage } from '../output/command-failure.js';

const WHOLE_NUMBER = /^(0|[1-9]\d{0,15})$/;
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
  const [text, ...more] = given;
  if (more.length > 0) throw usage(`${option} was given more than once`);
  if (text !== undefined && OPTION.test(text)) throw usage(`${option} takes a value, and got another option`);
  return text;
}

export function wholeNumber(option: string, given: Given, from: number, to: number): number | undefined {
  const text = single(option, given);
  if (text === undefined) return undefined;
  const number = WHOLE_NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!(number >= from && number <= to)) throw usage(`${option} takes a whole number from ${from} to ${to}`);
  return number;
}

export function nodeId(text: string): string {
  if (!isId(text)) throw usage('a node id is a UUID, in lower case, as `nodes list` shows it');
  return text;
}

export function sessionId(text: string): string {
  if (!isId(text)) throw usage('a session id is a UUID, in lower case, as `list` shows it');
  return text;
}
