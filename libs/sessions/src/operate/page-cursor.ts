import { isId } from '../core/handles/arguments.js';
import type { SessionRecord } from '../domain/session.js';
import type { SessionQuery, SessionSort } from '../ports/session-store.js';

type Position = NonNullable<SessionQuery['after']>;

const MAX_LENGTH = 256;

/** Opaque text for the page that follows `session` in this order; another order does not take it. */
export function cursorAfter(
  sort: SessionSort,
  { id, createdAt, lastActivityAt }: Pick<SessionRecord, 'id' | 'createdAt' | 'lastActivityAt'>,
): string {
  return encode(sort, { id, instant: sort.endsWith('created_at') ? createdAt : lastActivityAt });
}

/** `null` for any text that `cursorAfter` would not have made for this sort. */
export function decodeCursor(sort: SessionSort, text: string): Position | null {
  if (text.length > MAX_LENGTH) return null;
  const position = parse(Buffer.from(text, 'base64url').toString());
  if (!Array.isArray(position)) return null;
  const [, instant, id] = position as unknown[];
  if (!Number.isSafeInteger(instant) || !isId(id)) return null;
  const decoded = { instant: Number(instant), id };
  // Whatever else the text may hold, another sort, more parts, other spellings, does not survive the way back.
  return encode(sort, decoded) === text ? decoded : null;
}

function encode(sort: SessionSort, { instant, id }: Position): string {
  return Buffer.from(JSON.stringify([sort, instant, id])).toString('base64url');
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
