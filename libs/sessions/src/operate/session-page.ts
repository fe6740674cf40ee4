import type { SessionsCore } from '../core/core.js';
import type { SessionDetails } from '../core/sessions/session.service.js';
import type { SessionQuery, StoreTotals } from '../ports/session-store.js';
import { cursorAfter } from './page-cursor.js';

/** Maximum number of sessions on a page. */
export const MAX_PAGE = 1000;

/** Live sessions in the requested order, at `now`. */
export interface SessionPage {
  readonly sessions: readonly SessionDetails[];
  readonly totals: StoreTotals;
  /** Cursor of the next page; `null` on the last page. */
  readonly nextCursor: string | null;
  readonly now: number;
}

/** Reading sessions does not count as their activity. */
export async function readSessionPage(core: SessionsCore, query: SessionQuery): Promise<SessionPage> {
  const found = await core.service.list({ ...query, limit: query.limit + 1 });
  // Read after the list, so that the totals count every end that the list shows.
  const totals = await core.service.totals();
  const sessions = found.slice(0, query.limit);
  const last = found.length > query.limit ? sessions.at(-1) : undefined;
  const nextCursor = last ? cursorAfter(query.sort, last) : null;
  return { sessions, totals, nextCursor, now: core.clock.now() };
}
