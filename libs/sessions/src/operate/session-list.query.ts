import { IsIn, IsOptional, IsString, Matches, ValidateBy, validateSync } from 'class-validator';
import { isUserId, USER_ID_RULE } from '../domain/ids.js';
import { SESSION_SORTS, type SessionQuery, type SessionSort } from '../ports/store/session-store.js';
import { decodeCursor } from './page-cursor.js';
import { MAX_PAGE } from './session-page.js';

/** Query parameters of a session list, as strings. */
class SessionListQuery {
  @IsOptional()
  @IsString({ message: 'must be a string' })
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: `must be a whole number from 1 to ${MAX_PAGE}` })
  limit?: string;

  @IsOptional()
  @IsIn(SESSION_SORTS, { message: `must be one of ${SESSION_SORTS.join(', ')}` })
  sort?: SessionSort;

  @IsOptional()
  @ValidateBy({ name: 'isUserId', validator: { validate: isUserId } }, { message: USER_ID_RULE })
  user_id?: string;

  @IsOptional()
  @IsString({ message: 'must be the next_cursor of another page' })
  cursor?: string;
}

const PARAMETERS = ['limit', 'cursor', 'user_id', 'sort'] as const;
type Parameter = (typeof PARAMETERS)[number];

/** Names of the parameters in faults: query parameters, or options of a command. */
export type ParameterNames = Readonly<Record<Parameter, string>>;

const OWN_NAMES: ParameterNames = { limit: 'limit', cursor: 'cursor', user_id: 'user_id', sort: 'sort' };

/** `faults` lists everything wrong, without any of the given values. */
export type ReadQuery =
  | { readonly kind: 'valid'; readonly query: SessionQuery }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

/** Validates input from outside, and converts it to a query of the store. Default: a full page, oldest first. */
export function readSessionListQuery(
  given: Readonly<Record<string, unknown>>,
  names: ParameterNames = OWN_NAMES,
): ReadQuery {
  if (!Object.keys(given).every(isParameter)) {
    return invalid([`unknown parameter: use ${Object.values(names).join(', ')}`]);
  }
  const query = new SessionListQuery();
  for (const name of PARAMETERS) if (given[name] !== undefined) Object.assign(query, { [name]: given[name] });
  const faults = validateSync(query).flatMap(({ property, constraints = {} }) =>
    Object.values(constraints).map((fault) => `${names[property as Parameter]} ${fault}`),
  );
  if (faults.length > 0) return invalid(faults);
  const { limit = MAX_PAGE, sort = 'created_at', user_id: userId, cursor } = query;
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

function isParameter(name: string): name is Parameter {
  return PARAMETERS.some((known) => known === name);
}

function invalid(faults: readonly string[]): ReadQuery {
  return { kind: 'invalid', faults: [...new Set(faults)] };
}
