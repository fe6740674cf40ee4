import { IsOptional, ValidateBy } from 'class-validator';
import type { AuditQuery } from '../../ports/audit.js';
import { decodeAuditCursor } from '../page-cursor.js';
import { invalid, PageQuery, readParameters, type ParameterNames, type ReadQuery } from '../page-query.js';
import { MAX_PAGE } from '../session-page.js';
import { INSTANT_RULE, instantOf, LAST_INSTANT } from './instant.js';

const OWN_NAMES = { limit: 'limit', cursor: 'cursor', from: 'from', to: 'to' };
const AN_INSTANT = { name: 'isInstant', validator: { validate: isInstant } };

/** Query parameters of the audit, as strings. */
class AuditListQuery extends PageQuery {
  @IsOptional()
  @ValidateBy(AN_INSTANT, { message: INSTANT_RULE })
  from?: string;

  @IsOptional()
  @ValidateBy(AN_INSTANT, { message: INSTANT_RULE })
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

function isInstant(value: unknown): boolean {
  return instantOf(value) !== null;
}
