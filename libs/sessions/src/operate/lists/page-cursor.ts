import { isUserId, isUuid } from '../../domain/ids.js';
import type { AuditPosition } from '../../ports/record/audit.js';
import type { JournalPosition } from '../../ports/record/journal.js';
import type { ListPosition, SessionSort } from '../../ports/sessions.js';

/** What a list of sessions is ordered by: a sort of live ones, or the end. */
type ListOrder = SessionSort | 'ended';

/** A reader's position in the timeline of a session. */
export interface TimelinePosition {
  readonly sessionId: string;
  readonly position: JournalPosition;
}

/** More than the longest, after a user whose id has 255 characters of three bytes: 1,036. */
const MAX_LENGTH = 2048;

/** Opaque cursor of the page after this position. It is valid for this order only. */
export function cursorAfter(order: ListOrder, { value, id }: ListPosition): string {
  return encode(order, value, id);
}

/** `null` unless `cursorAfter` made the text for this order. */
export function decodeCursor(order: ListOrder, text: string): ListPosition | null {
  const [, value, id] = partsOf(text);
  if (!Number.isSafeInteger(value) || !isUuid(id)) return null;
  const decoded = { value: Number(value), id };
  // Encoding again rejects another order, more parts and other spellings.
  return cursorAfter(order, decoded) === text ? decoded : null;
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

/** Opaque cursor of the next page of a session's timeline. It is valid for this session only. */
export function timelineCursor({ sessionId, position }: TimelinePosition): string {
  return encode('timeline', sessionId, position);
}

/** `null` unless `timelineCursor` could have made the text. The store alone knows whether there is such a position. */
export function decodeTimelineCursor(text: string): TimelinePosition | null {
  const [, sessionId, position] = partsOf(text);
  if (!isUuid(sessionId) || !isPosition(position)) return null;
  const decoded = { sessionId, position };
  return timelineCursor(decoded) === text ? decoded : null;
}

/** Opaque cursor of the next page of the audit. */
export function auditCursor(position: AuditPosition): string {
  return encode('audit', position);
}

/** `null` unless `auditCursor` could have made the text. The store alone knows whether there is such a position. */
export function decodeAuditCursor(text: string): AuditPosition | null {
  const [, position] = partsOf(text);
  return isPosition(position) && auditCursor(position) === text ? position : null;
}

/** Whether a store may have made the text: visible ASCII. */
function isPosition(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]{1,200}$/.test(value);
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
