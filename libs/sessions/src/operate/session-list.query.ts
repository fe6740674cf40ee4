import { IsIn, IsOptional, IsString, Matches, MaxLength, validateSync } from 'class-validator';
import { SESSION_SORTS, type SessionQuery, type SessionSort } from '../ports/session-store.js';
import { decodeCursor } from './page-cursor.js';
import { MAX_PAGE } from './session-page.js';

/** What a list of sessions can be asked for, each as one text. */
class SessionListQuery {
  @IsOptional()
  @IsString({ message: 'must be a string' })
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: `must be a whole number from 1 to ${MAX_PAGE}` })
  limit?: string;

  @IsOptional()
  @IsIn(SESSION_SORTS, { message: `must be one of ${SESSION_SORTS.join(', ')}` })
  sort?: SessionSort;

  @IsOptional()
  @IsString({ message: 'must be a string' })
  @MaxLength(255, { message: 'must have at most 255 characters' })
  @Matches(/^[^\p{Cc}\p{Cs}\uFFFD]+$/u, { message: 'must be text' })
  user_id?: string;

  @IsOptional()
  @IsString({ message: 'must be the next_cursor of another page' })
  cursor?: string;
}

const PARAMETERS = ['limit', 'cursor', 'user_id', 'sort'] as const;
type Parameter = (typeof PARAMETERS)[number];

/** What whoever asks calls the parameters: faults name them so. */
export type ParameterNames = Readonly<Record<Parameter, string>>;

const OWN_NAMES: ParameterNames = { limit: 'limit', cursor: 'cursor', user_id: 'user_id', sort: 'sort' };

/** `faults`: everything that is wrong, with nothing of what was given. */
export type ReadQuery =
  | { readonly kind: 'valid'; readonly query: SessionQuery }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

/** Makes a store's query of what came from outside. Defaults: all that a page takes, the oldest first. */
export function readSessionListQuery(
  given: Readonly<Record<string, unknown>>,
  names: ParameterNames = OWN_NAMES,
): ReadQuery {
  if (!Object.keys(given).every(isParameter)) {
    return invalid([`query parameters are: ${Object.values(names).join(', ')}`]);
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
