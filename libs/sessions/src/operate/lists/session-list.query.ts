import { IsIn, IsOptional } from 'class-validator';
import { SESSION_SORTS, type ListPosition, type SessionSort } from '../../ports/store/session-store.js';
import { decodeCursor } from './page-cursor.js';
import { invalid, readParameters, type ParameterNames, type ReadQuery } from './page-query.js';
import type { SessionCriteria } from './session-criteria.js';
import { criteriaOf, FILTER_NAMES, FilterParameters } from './session-filter.query.js';
import { MAX_PAGE } from './session-page.js';

/** A page of live sessions, or of ended ones: latest end first, of all users or one. */
export type SessionListQuery = LiveListQuery | EndedListQuery;

export interface LiveListQuery {
  readonly state: 'live';
  readonly limit: number;
  readonly sort: SessionSort;
  readonly criteria: SessionCriteria;
  readonly after: ListPosition | null;
  /** `none` leaves the lists of resources out. */
  readonly resources: 'all' | 'none';
}

export interface EndedListQuery {
  readonly state: 'ended';
  readonly limit: number;
  readonly userId: string | null;
  readonly after: ListPosition | null;
}

const STATES = ['live', 'ended'] as const;
const RESOURCES = ['all', 'none'] as const;

/** Query parameters of a session list, as strings. */
class ListParameters extends FilterParameters {
  @IsOptional()
  @IsIn(SESSION_SORTS, { message: `must be one of ${SESSION_SORTS.join(', ')}` })
  sort?: SessionSort;

  @IsOptional()
  @IsIn(STATES, { message: `must be one of ${STATES.join(', ')}` })
  state?: (typeof STATES)[number];

  @IsOptional()
  @IsIn(RESOURCES, { message: `must be one of ${RESOURCES.join(', ')}` })
  resources?: (typeof RESOURCES)[number];
}

const OWN_NAMES = {
  limit: 'limit',
  cursor: 'cursor',
  sort: 'sort',
  ...FILTER_NAMES,
  state: 'state',
  resources: 'resources',
};

/** Of ended sessions little is known. */
const ONLY_LIVE = ['sort', 'ip', 'idle_over', 'bytes_over', 'near_limit', 'resources'] as const;

/** Validates input from outside; parameters that `names` lacks are faults. Default: a full page of live sessions, oldest first. */
export function readSessionListQuery(
  given: Readonly<Record<string, unknown>>,
  names: Partial<ParameterNames<ListParameters>> = OWN_NAMES,
): ReadQuery<SessionListQuery> {
  const read = readParameters(new ListParameters(), given, names);
  if (read.kind === 'invalid') return read;
  const { limit = MAX_PAGE, sort = 'created_at', state = 'live', resources = 'all', cursor } = read.query;
  if (state === 'ended') {
    const superfluous = ONLY_LIVE.filter((name) => read.query[name] !== undefined);
    if (superfluous.length > 0) {
      return invalid(superfluous.map((name) => `${names[name]} cannot be used with ${names.state} ended`));
    }
  }
  const order = state === 'ended' ? state : sort;
  const after = cursor === undefined ? null : decodeCursor(order, cursor);
  if (cursor !== undefined && after === null) {
    const [what, of] = [names.cursor ?? 'cursor', [names.sort, names.state].filter(Boolean).join(' and ')];
    return invalid([`${what} must be the next_cursor of another page with the same ${of}`]);
  }
  const criteria = criteriaOf(read.query);
  const page = { limit: Number(limit), after };
  return {
    kind: 'valid',
    query:
      state === 'ended'
        ? { ...page, state, userId: criteria.userId ?? null }
        : { ...page, state, sort, criteria, resources },
  };
}
