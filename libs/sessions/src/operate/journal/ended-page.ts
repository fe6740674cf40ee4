import type { SessionsCore } from '../../core/core.js';
import type { StoreTotals } from '../../ports/store/session-store.js';
import type { PastSession } from './past-session.js';
import { cursorAfter } from '../lists/page-cursor.js';
import type { EndedListQuery } from '../lists/session-list.query.js';

/** Sessions that ended within the time that the journal keeps, latest end first. */
export interface EndedPage {
  readonly sessions: readonly PastSession[];
  readonly totals: StoreTotals;
  /** Cursor of the next page; `null` on the last page. */
  readonly nextCursor: string | null;
}

/** Those of a user: whose latest login was this user's. Rejects if the store does not answer. */
export async function readEndedPage(core: SessionsCore, query: EndedListQuery): Promise<EndedPage> {
  const { limit, userId, after } = query;
  const userHash = userId === null ? null : await core.journal.hashOf(userId);
  const { sessions, next } = await core.store.endings.listEnded({
    limit,
    ...(userHash !== null && { userHash }),
    ...(after && { after }),
  });
  const totals = await core.service.totals();
  return { sessions, totals, nextCursor: next && cursorAfter('ended', next) };
}
