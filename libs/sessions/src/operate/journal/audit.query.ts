import type { AuditQuery } from '../../ports/record/audit.js';
import { decodeAuditCursor } from '../lists/page-cursor.js';
import { instantOf, LAST_INSTANT } from '../lists/instant.js';
import {
  invalid,
  IsInstant,
  PageQuery,
  readParameters,
  type ParameterNames,
  type ReadQuery,
} from '../lists/page-query.js';
import { MAX_PAGE } from '../lists/session-page.js';

const OWN_NAMES = { limit: 'limit', cursor: 'cursor', from: 'from', to: 'to' };

/** Query parameters of the audit, as strings. */
class AuditListQuery extends PageQuery {
  @IsInstant()
  from?: string;

  @IsInstant()
  to?: string;
}

/** Validates input from outside, and converts it to a query of the store. Default: a full page of all, from the latest on. */
export function readAuditQuery(
  given: Readonly<Record<string, unknown>>,
  names: ParameterNames<AuditListQuery> = OWN_NAMES,
): ReadQuery<AuditQuery> {
  const read = readParameters(new AuditListQuery(), given, names);
  if (read.kind === 'invalid') return read;
  const { limit = MAX_PAGE, cursor } = read.query;
  const from = Math.max(0, instantOf(read.query.from) ?? 0);
  const to = Math.max(0, instantOf(read.query.to) ?? LAST_INSTANT);
  if (from > to) return invalid([`${names.from} must not be after ${names.to}`]);
  const after = cursor === undefined ? undefined : decodeAuditCursor(cursor);
  if (after === null) return invalid([`${names.cursor} must be the next_cursor of another page`]);
  return { kind: 'valid', query: { from, to, limit: Number(limit), ...(after !== undefined && { after }) } };
}
