import type { UserQuery } from '../../ports/store/session-store.js';
import { decodeUserCursor } from './page-cursor.js';
import { invalid, PageQuery, readParameters, type ParameterNames, type ReadQuery } from './page-query.js';
import { MAX_PAGE } from './session-page.js';

const OWN_NAMES = { limit: 'limit', cursor: 'cursor' };

/** Validates input from outside, and converts it to a query of the store. Default: a full page from the first user. */
export function readUserListQuery(
  given: Readonly<Record<string, unknown>>,
  names: ParameterNames<PageQuery> = OWN_NAMES,
): ReadQuery<UserQuery> {
  const read = readParameters(new PageQuery(), given, names);
  if (read.kind === 'invalid') return read;
  const { limit = MAX_PAGE, cursor } = read.query;
  const after = cursor === undefined ? undefined : decodeUserCursor(cursor);
  if (after === null) return invalid([`${names.cursor} must be the next_cursor of another page`]);
  return { kind: 'valid', query: { limit: Number(limit), ...(after !== undefined && { after }) } };
}
