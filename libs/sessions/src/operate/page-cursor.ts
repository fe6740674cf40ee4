import { isUuid } from '../domain/ids.js';
import type { SessionRecord } from '../domain/session.js';
import { orderOf, type SessionQuery, type SessionSort } from '../ports/sessions.js';

type Position = NonNullable<SessionQuery['after']>;

const MAX_LENGTH = 256;

/** Opaque cursor of the page after this session. It is valid for this sort only. */
export function cursorAfter(
  sort: SessionSort,
  session: Pick<SessionRecord, 'id' | 'createdAt' | 'lastActivityAt'>,
): string {
  return encode(sort, { id: session.id, instant: session[orderOf(sort).by] });
}

/** `null` unless `cursorAfter` made the text for this sort. */
export function decodeCursor(sort: SessionSort, text: string): Position | null {
  if (text.length > MAX_LENGTH) return null;
  const position = parse(Buffer.from(text, 'base64url').toString());
  if (!Array.isArray(position)) return null;
  const [, instant, id] = position as unknown[];
  if (!Number.isSafeInteger(instant) || !isUuid(id)) return null;
  const decoded = { instant: Number(instant), id };
  // Encoding again rejects another sort, more parts and other spellings.
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
