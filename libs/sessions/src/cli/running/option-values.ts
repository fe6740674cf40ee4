import { isUserId, isUuid, USER_ID_RULE } from '../../domain/ids.js';
import { usage } from '../output/command-failure.js';

const WHOLE_NUMBER = /^(0|[1-9]\d{0,15})$/;
/** Commander takes the next option for a forgotten value. */
const OPTION = /^--[a-z]+(-[a-z]+)*(=|$)/;

/** All values of an option, so that a repeated option is an error, not a silent choice. */
export function gather(value: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? (before as string[]) : []), value];
}

/** The only value of an option: of what `gather` collected. */
export function single(option: string, [text = '', ...more]: readonly string[]): string {
  if (more.length > 0) throw usage(`${option} may be given only once`);
  if (OPTION.test(text)) throw usage(`${option} requires a value, but another option follows it`);
  return text;
}

export function wholeNumber(
  option: string,
  text: string | undefined,
  from: number,
  to: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = WHOLE_NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!(number >= from && number <= to))
    throw usage(`${option} must be a whole number from ${from} to ${to}`);
  return number;
}

export function nodeId(text: string): string {
  if (!isUuid(text)) throw usage('a node id is a UUID in lower case: see `nodes list`');
  return text;
}

export function userId(text: string): string {
  if (!isUserId(text)) throw usage(`a user id ${USER_ID_RULE}`);
  return text;
}
