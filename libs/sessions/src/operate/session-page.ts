import type { SessionsCore } from '../core/core.js';
import type { SessionDetails } from '../core/sessions/session.service.js';
import type { SessionQuery, StoreTotals } from '../ports/session-store.js';
import { cursorAfter } from './page-cursor.js';

/** The most sessions that a page has. */
export const MAX_PAGE = 1000;

/** Live sessions in the order asked for, as they were at `now`. */
export interface SessionPage {
  readonly sessions: readonly SessionDetails[];
  readonly totals: StoreTotals;
  /** What the query of the next page takes; `null` where this page is the last. */
  readonly nextCursor: string | null;
  readonly now: number;
}

/** Reading sessions does not count as their activity. */
export async function readSessionPage(core: SessionsCore, query: SessionQuery): Promise<SessionPage> {
  const found = await core.service.list({ ...query, limit: query.limit + 1 });
  // After it, so that an end which the list shows is counted.
  const totals = await core.service.totals();
  const sessions = found.slice(0, query.limit);
  const last = found.length > query.limit ? sessions.at(-1) : undefined;
  const nextCursor = last ? cursorAfter(query.sort, last) : null;
  return { sessions, totals, nextCursor, now: core.clock.now() };
}
