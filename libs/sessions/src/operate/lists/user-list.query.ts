import type { UserQuery } from '../../ports/store/session-store.js';
import { decodeUserCursor } from './page-cursor.js';
import { invalid, PageQuery, readParameters, type ReadQuery } from './page-query.js';
import { MAX_PAGE } from './session-page.js';

const NAMES = { limit: 'limit', cursor: 'cursor' };

/** Validates input from outside, and converts it to a query of the store. Default: a full page from the first user. */
export function readUserListQuery(given: Readonly<Record<string, unknown>>): ReadQuery<UserQuery> {
  const read = readParameters(new PageQuery(), given, NAMES);
  if (read.kind === 'invalid') return read;
  const { limit = MAX_PAGE, cursor } = read.query;
  const after = cursor === undefined ? undefined : decodeUserCursor(cursor);
  if (after === null) return invalid(['cursor must be the next_cursor of another page']);
  return { kind: 'valid', query: { limit: Number(limit), ...(after !== undefined && { after }) } };
}
