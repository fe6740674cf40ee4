import { BadRequestException } from '@nestjs/common';
import { IsIn, IsOptional, IsString, Matches, MaxLength, validateSync } from 'class-validator';
import { SESSION_SORTS, type SessionQuery, type SessionSort } from '../ports/session-store.js';
import { decodeCursor } from './page-cursor.js';

const MAX_LIMIT = 1000;
const NAMES = ['limit', 'cursor', 'user_id', 'sort'] as const;

/** What `GET /admin/sessions` takes, as it comes from the URL: each once, as text. */
class SessionListQuery {
  @IsOptional()
  @IsString()
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: `limit must be a whole number from 1 to ${MAX_LIMIT}` })
  limit?: string;

  @IsOptional()
  @IsIn(SESSION_SORTS, { message: `sort must be one of ${SESSION_SORTS.join(', ')}` })
  sort?: SessionSort;

  @IsOptional()
  @IsString()
  @MaxLength(255, { message: 'user_id must have at most 255 characters' })
  @Matches(/^[^\p{Cc}\p{Cs}\uFFFD]+$/u, { message: 'user_id must be text' })
  user_id?: string;

  @IsOptional()
  @IsString({ message: 'cursor must be the next_cursor of another page' })
  cursor?: string;
}

/**
 * Checks a parsed query string and makes a store's query of it. By itself, whatever pipes the application has.
 * @throws BadRequestException that names what is wrong, and repeats nothing of it
 */
export function readSessionListQuery(given: Readonly<Record<string, unknown>>): SessionQuery {
  if (!Object.keys(given).every(isName)) refuse([`query parameters are: ${NAMES.join(', ')}`]);
  const query = new SessionListQuery();
  for (const name of NAMES) if (given[name] !== undefined) Object.assign(query, { [name]: given[name] });
  const faults = validateSync(query).flatMap(({ constraints }) => Object.values(constraints ?? {}));
  if (faults.length > 0) refuse(faults);
  const sort = query.sort ?? 'created_at';
  const after = query.cursor === undefined ? undefined : decodeCursor(sort, query.cursor);
  if (after === null) refuse(['cursor must be the next_cursor of another page with the same sort']);
  return {
    limit: Number(query.limit ?? MAX_LIMIT),
    sort,
    ...(query.user_id !== undefined && { userId: query.user_id }),
    ...(after && { after }),
  };
}

function isName(name: string): name is (typeof NAMES)[number] {
  return NAMES.some((known) => known === name);
}

function refuse(faults: readonly string[]): never {
  throw new BadRequestException([...new Set(faults)]);
}
