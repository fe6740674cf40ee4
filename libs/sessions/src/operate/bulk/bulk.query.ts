import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsObject,
  IsOptional,
  ValidateBy,
} from 'class-validator';
import type { SessionsCore } from '../../core/core.js';
import { isUuid } from '../../domain/ids.js';
import { instantOf } from '../lists/instant.js';
import { invalid, IsInstant, readParameters, type ReadQuery } from '../lists/page-query.js';
import { filterOf, type SessionCriteria } from '../lists/session-criteria.js';
import { readSessionFilter } from '../lists/session-filter.query.js';
import { MOST_IN_BULK, type BulkTarget } from './bulk-report.js';

/** What a client asks for with `POST /admin/sessions/cleanup`. */
export interface BulkRequest {
  readonly target:
    | { readonly criteria: SessionCriteria; readonly ids?: readonly string[] }
    | { readonly ids: readonly string[] };
  readonly isDryRun: boolean;
  /** Never later than now. */
  readonly asOf: number;
}

const NAMES = { filter: 'filter', ids: 'ids', dry_run: 'dry_run', as_of: 'as_of' };

class BulkBody {
  @IsOptional()
  @IsObject({ message: 'must be an object of filters' })
  filter?: Record<string, unknown>;

  @IsOptional()
  @IsArray({ message: 'must be a list of session ids' })
  @ArrayNotEmpty({ message: 'must not be empty' })
  @ArrayMaxSize(MOST_IN_BULK, { message: `must be ${MOST_IN_BULK} ids at most` })
  @ValidateBy(
    { name: 'areUuids', validator: { validate: (ids: unknown) => Array.isArray(ids) && ids.every(isUuid) } },
    { message: 'must be session ids: UUIDs in lower case' },
  )
  ids?: string[];

  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  dry_run?: boolean;

  @IsInstant()
  as_of?: string;
}

/**
 * Validates the JSON of a request. `filter`, `ids`, or both say what is ended: nothing stands for "all". Default of `as_of`: now.
 */
export function readBulkRequest(body: unknown, now: number): ReadQuery<BulkRequest> {
  if (!isRecord(body)) return invalid(['the body must be a JSON object']);
  // Else it would be a field that is not given, and widen what is ended.
  if (Object.values(body).includes(null)) return invalid(['no field may be null']);
  const read = readParameters(new BulkBody(), body, NAMES);
  if (read.kind === 'invalid') return read;
  const { filter, ids, dry_run: isDryRun = false, as_of: text } = read.query;
  if (filter === undefined && ids === undefined) return invalid(['give filter, ids, or both']);
  const request = { isDryRun, asOf: Math.min(instantOf(text) ?? now, now) };
  if (filter === undefined) return { kind: 'valid', query: { ...request, target: { ids: ids ?? [] } } };
  const found = readFilter(filter);
  if (found.kind === 'invalid') return invalid(found.faults.map((fault) => `filter: ${fault}`));
  return { kind: 'valid', query: { ...request, target: { criteria: found.query, ...(ids && { ids }) } } };
}

/**
 * The sessions that a request means. Of a filter, those that were opened, and bound to its user, at `asOf` at the latest, and are idle
 * since; bytes and shares are those of now, so that the ids of a dry run belong to such a filter.
 */
export async function targetOf(core: SessionsCore, { target, asOf }: BulkRequest): Promise<BulkTarget> {
  if (!('criteria' in target)) return target;
  const filter = await filterOf(core, target.criteria, { asOf, upTo: true });
  return { filter, ...(target.ids && { ids: target.ids }) };
}

/** As in a query string; JSON has numbers too, and much else that is no filter. */
function readFilter(filter: Readonly<Record<string, unknown>>): ReadQuery<SessionCriteria> {
  const isText = (value: unknown): boolean => typeof value === 'string' || Number.isSafeInteger(value);
  if (!Object.values(filter).every(isText)) return invalid(['must hold texts and whole numbers alone']);
  return readSessionFilter(filter);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
