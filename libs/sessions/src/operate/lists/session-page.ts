import type { SessionsCore } from '../../core/core.js';
import { resourceLimitsInUse } from '../../core/process/limits-in-use.js';
import { detailsOf, type SessionDetails } from '../../core/sessions/session-details.js';
import type { ResourceLimits } from '../../domain/limits.js';
import type { SessionRecord } from '../../domain/session.js';
import { orderOf, positionOf, type StoreTotals } from '../../ports/store/session-store.js';
import { cursorAfter } from './page-cursor.js';
import { filterOf } from './session-criteria.js';
import type { LiveListQuery } from './session-list.query.js';

/** Maximum number of entries on a page of any list. */
export const MAX_PAGE = 1000;

/** What is known after the last session of a page. */
export interface PageEnd {
  /** They count every end that the list shows. */
  readonly totals: StoreTotals;
  /** Cursor of the next page; `null` on the last page. */
  readonly nextCursor: string | null;
}

/** Live sessions that match, in the requested order, at `now`. */
export class SessionPage {
  private constructor(
    private readonly core: SessionsCore,
    readonly query: LiveListQuery,
    readonly now: number,
    readonly sessions: readonly SessionRecord[],
    /** Those that the sessions are held to. */
    readonly limits: ResourceLimits,
    private readonly nextCursor: string | null,
  ) {}

  /**
   * Reading sessions does not count as their activity. A page may be short and have a next one, where few of millions of sessions match.
   */
  static async open(core: SessionsCore, query: LiveListQuery): Promise<SessionPage> {
    const { limit, sort, criteria, after } = query;
    const filter = await filterOf(core, criteria);
    // One more tells whether there is a next page.
    const found = await core.lists.find({ limit: limit + 1, sort, filter, ...(after && { after }) });
    const sessions = found.sessions.slice(0, limit);
    const last = sessions.at(-1);
    const isFull = last !== undefined && sessions.length < found.sessions.length;
    const next = isFull ? positionOf(orderOf(sort), last) : found.next;
    const nextCursor = next && cursorAfter(sort, next);
    const limits = await resourceLimitsInUse(core);
    return new SessionPage(core, query, core.clock.now(), sessions, limits, nextCursor);
  }

  /** The sessions with their resources, but with `resources: 'none'`; a few at a time. Can be read again. */
  async *slices(): AsyncGenerator<readonly SessionDetails[], void, void> {
    if (this.query.resources === 'none') yield this.sessions.map((record) => detailsOf(record, []));
    else yield* this.core.lists.withResources(this.sessions);
  }

  /** Call it after the last slice. */
  async end(): Promise<PageEnd> {
    return { totals: await this.core.service.totals(), nextCursor: this.nextCursor };
  }
}
