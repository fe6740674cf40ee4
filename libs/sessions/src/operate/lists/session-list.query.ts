import { IsIn, IsOptional, ValidateBy } from 'class-validator';
import { isUserId, USER_ID_RULE } from '../../domain/ids.js';
import { SESSION_SORTS, type SessionQuery, type SessionSort } from '../../ports/store/session-store.js';
import { decodeCursor } from './page-cursor.js';
import { invalid, PageQuery, readParameters, type ParameterNames, type ReadQuery } from './page-query.js';
import { MAX_PAGE } from './session-page.js';

/** Query parameters of a session list, as strings. */
class SessionListQuery extends PageQuery {
  @IsOptional()
  @IsIn(SESSION_SORTS, { message: `must be one of ${SESSION_SORTS.join(', ')}` })
  sort?: SessionSort;

  @IsOptional()
  @ValidateBy({ name: 'isUserId', validator: { validate: isUserId } }, { message: USER_ID_RULE })
  user_id?: string;
}

const OWN_NAMES = { limit: 'limit', cursor: 'cursor', user_id: 'user_id', sort: 'sort' };

/** Validates input from outside, and converts it to a query of the store. Default: a full page, oldest first. */
export function readSessionListQuery(
  given: Readonly<Record<string, unknown>>,
  names: ParameterNames<SessionListQuery> = OWN_NAMES,
): ReadQuery<SessionQuery> {
  const read = readParameters(new SessionListQuery(), given, names);
  if (read.kind === 'invalid') return read;
  const { limit = MAX_PAGE, sort = 'created_at', user_id: userId, cursor } = read.query;
  const after = cursor === undefined ? undefined : decodeCursor(sort, cursor);
  if (after === null) {
    return invalid([`${names.cursor} must be the next_cursor of another page with the same ${names.sort}`]);
  }
  return {
    kind: 'valid',
    query: {
      limit: Number(limit),
      sort,
      ...(userId !== undefined && { userId }),
      ...(after && { after }),
    },
  };
}
