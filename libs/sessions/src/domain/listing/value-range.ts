import type { SessionRecord } from '../session.js';
import type { SessionFilter } from './session-filter.js';

/** What a list may be sorted by. */
export type SortedBy = keyof Pick<SessionRecord, 'bytesUsed' | 'createdAt' | 'lastActivityAt'>;

/** The least and the most that sessions that match have of what a list is sorted by: a store need not look at others. */
export interface ValueRange {
  readonly least: number;
  readonly most: number;
}

export function valueRange(filter: SessionFilter, by: SortedBy): ValueRange {
  const { bytesAbove = -1, idleSince = Infinity, openedUntil = Infinity } = filter;
  if (by === 'bytesUsed') return { least: Math.floor(bytesAbove) + 1, most: Infinity };
  if (by === 'lastActivityAt') return { least: -Infinity, most: idleSince };
  // No session was active before it was opened.
  return { least: -Infinity, most: Math.min(openedUntil, idleSince) };
}
