import { decodeTimelineCursor, type TimelinePosition } from '../lists/page-cursor.js';
import {
  invalid,
  PageQuery,
  readParameters,
  type ParameterNames,
  type ReadQuery,
} from '../lists/page-query.js';
import { MAX_PAGE } from '../lists/session-page.js';

const OWN_NAMES = { limit: 'limit', cursor: 'cursor' };

export interface TimelineQuery {
  readonly limit: number;
  readonly after?: TimelinePosition;
}

/** Validates input from outside. Default: a full page from the first entry. */
export function readTimelineQuery(
  given: Readonly<Record<string, unknown>>,
  names: ParameterNames<PageQuery> = OWN_NAMES,
): ReadQuery<TimelineQuery> {
  const read = readParameters(new PageQuery(), given, names);
  if (read.kind === 'invalid') return read;
  const { limit = MAX_PAGE, cursor } = read.query;
  const after = cursor === undefined ? undefined : decodeTimelineCursor(cursor);
  if (after === null) return invalid([`${names.cursor} must be the next_cursor of another page`]);
  return { kind: 'valid', query: { limit: Number(limit), ...(after && { after }) } };
}
