import type { SessionQuery, SessionSort } from '../ports/session-store.js';

type Position = NonNullable<SessionQuery['after']>;

const MAX_LENGTH = 256;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The place after which a next page begins, as opaque text. It holds for the sort it was made for. */
export function encodeCursor(sort: SessionSort, { instant, id }: Position): string {
  return Buffer.from(JSON.stringify([sort, instant, id])).toString('base64url');
}

/** `null` for any text that `encodeCursor` would not have made for this sort. */
export function decodeCursor(sort: SessionSort, text: string): Position | null {
  if (text.length > MAX_LENGTH) return null;
  const position = parse(Buffer.from(text, 'base64url').toString());
  if (!Array.isArray(position)) return null;
  const [, instant, id] = position as unknown[];
  if (!Number.isSafeInteger(instant) || typeof id !== 'string' || !UUID.test(id)) return null;
  const decoded = { instant: Number(instant), id };
  // Whatever else the text may hold, another sort, more parts, other spellings, does not survive the way back.
  return encodeCursor(sort, decoded) === text ? decoded : null;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
