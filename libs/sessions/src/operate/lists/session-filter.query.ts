import { IsOptional, Matches, ValidateBy } from 'class-validator';
import { isUserId, USER_ID_RULE } from '../../domain/ids.js';
import { invalid, PageQuery, readParameters, type ParameterNames, type ReadQuery } from './page-query.js';
import { networkOf, type SessionCriteria } from './session-criteria.js';

const A_USER_ID = { name: 'isUserId', validator: { validate: isUserId } };
const A_NETWORK = {
  name: 'isNetwork',
  validator: { validate: (value: unknown) => networkOf(value) !== null },
};

/** Parameters that say which sessions, as strings. */
export class FilterParameters extends PageQuery {
  @IsOptional()
  @ValidateBy(A_USER_ID, { message: USER_ID_RULE })
  user_id?: string;

  @IsOptional()
  @ValidateBy(A_NETWORK, {
    message: 'must be an address, or a network such as 192.0.2.0/24 or 2001:db8::/32',
  })
  ip?: string;

  @IsOptional()
  @Matches(/^(0|[1-9]\d{0,9})$/, { message: 'must be a whole number of seconds, from 0 to 9999999999' })
  idle_over?: string;

  @IsOptional()
  @Matches(/^(0|[1-9]\d{0,14})$/, { message: 'must be a whole number of bytes, from 0 to 999999999999999' })
  bytes_over?: string;

  @IsOptional()
  @Matches(/^([1-9]\d?|100)$/, { message: 'must be a whole number of percent, from 1 to 100' })
  near_limit?: string;
}

/** The parameters that say which sessions, by the names of their own. */
export const FILTER_NAMES = {
  user_id: 'user_id',
  ip: 'ip',
  idle_over: 'idle_over',
  bytes_over: 'bytes_over',
  near_limit: 'near_limit',
} as const;

export type FilterName = keyof typeof FILTER_NAMES;

/** Validates what was given from outside to choose sessions for a deed: whole numbers may be numbers. Nothing given is a fault. */
export function readSessionFilter(
  given: Readonly<Record<string, unknown>>,
  names: Partial<ParameterNames<Pick<FilterParameters, FilterName>>> = FILTER_NAMES,
): ReadQuery<SessionCriteria> {
  const texts = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, textOf(value)]));
  const read = readParameters(new FilterParameters(), texts, names);
  if (read.kind === 'invalid') return read;
  const criteria = criteriaOf(read.query);
  if (Object.keys(criteria).length > 0) return { kind: 'valid', query: criteria };
  return invalid([`no filter: use ${Object.values(names).join(', ')}`]);
}

/** What is no text stays a fault: `null`, above all, is not left out, so that no deed reaches more than was meant. */
function textOf(value: unknown): unknown {
  return typeof value === 'number' || value === null ? String(value ?? '') : value;
}

/** Of valid parameters. */
export function criteriaOf({
  user_id: userId,
  ip,
  idle_over: idleOver,
  bytes_over: bytesOver,
  near_limit: nearLimit,
}: FilterParameters): SessionCriteria {
  const network = ip === undefined ? null : networkOf(ip);
  return {
    ...(userId !== undefined && { userId }),
    ...(network && { network }),
    ...(idleOver !== undefined && { idleMs: Number(idleOver) * 1000 }),
    ...(bytesOver !== undefined && { bytesAbove: Number(bytesOver) }),
    ...(nearLimit !== undefined && { nearPercent: Number(nearLimit) }),
  };
}
