import { isUserId, isUuid } from '../domain/ids.js';
import type { SessionRecord } from '../domain/session.js';
import { orderOf, type SessionQuery, type SessionSort } from '../ports/sessions.js';

type Position = NonNullable<SessionQuery['after']>;

/** More than the longest, after a user whose id has 255 characters of three bytes: 1,036. */
const MAX_LENGTH = 2048;

/** Opaque cursor of the page after this session. It is valid for this sort only. */
export function cursorAfter(
  sort: SessionSort,
  session: Pick<SessionRecord, 'id' | 'createdAt' | 'lastActivityAt'>,
): string {
  return encode(sort, session[orderOf(sort).by], session.id);
}

/** `null` unless `cursorAfter` made the text for this sort. */
export function decodeCursor(sort: SessionSort, text: string): Position | null {
  const [, instant, id] = partsOf(text);
  if (!Number.isSafeInteger(instant) || !isUuid(id)) return null;
  const decoded = { instant: Number(instant), id };
  // Encoding again rejects another sort, more parts and other spellings.
  return encode(sort, decoded.instant, id) === text ? decoded : null;
}

/** Opaque cursor of the page after this user. */
export function cursorAfterUser(userId: string): string {
  return encode('user_id', userId);
}

/** The user's id; `null` unless `cursorAfterUser` made the text. */
export function decodeUserCursor(text: string): string | null {
  const [, userId] = partsOf(text);
  return isUserId(userId) && cursorAfterUser(userId) === text ? userId : null;
}

function encode(...parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** None of a text that is no cursor. */
function partsOf(text: string): readonly unknown[] {
  if (text.length > MAX_LENGTH) return [];
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
