import { hasCode } from '../../domain/errors.js';
import type { SessionRecord } from '../../domain/session.js';
import type { ListPosition, SessionQuery, SessionSlice } from '../../ports/sessions.js';
import { requireUserId } from '../handles/arguments.js';
import type { CoreContext } from '../process/context.js';
import type { SessionDetails } from './session-details.js';
import type { SessionFinder } from './session-finder.js';
import type { SessionSlices } from './session-slices.js';

const USER_PAGE = 1000;

/** Calls of the store for one page: together they look at about two million sessions. */
const MOST_CALLS = 400;

/** Lists live sessions. Nothing here counts as their activity. */
export class SessionLists {
  constructor(
    private readonly context: CoreContext,
    private readonly finder: SessionFinder,
    private readonly slices: SessionSlices,
  ) {}

  /** The sessions of one page with their resources. */
  async list(query: SessionQuery): Promise<SessionDetails[]> {
    const listed: SessionDetails[] = [];
    for await (const slice of await this.inSlices(query)) listed.push(...slice);
    return listed;
  }

  /** The same, a few sessions at a time. */
  async inSlices(query: SessionQuery): Promise<AsyncGenerator<SessionDetails[], void, void>> {
    return this.withResources((await this.find(query)).sessions);
  }

  /**
   * The live sessions of one page, as of now. It is short, with `next`, only where few of millions of sessions match; sessions that are
   * over never make it so.
   */
  async find(query: SessionQuery): Promise<SessionSlice> {
    await this.flushTouches();
    const live: SessionRecord[] = [];
    let next: ListPosition | null = query.after ?? null;
    for (let calls = 0; calls < MOST_CALLS; calls += 1) {
      const limit = query.limit - live.length;
      // oxlint-disable-next-line no-await-in-loop -- each call begins where the one before ended
      const slice = await this.context.store.sessions.list({ ...query, limit, ...(next && { after: next }) });
      live.push(...slice.sessions.filter((record) => this.finder.isLive(record)));
      next = slice.next;
      if (next === null || live.length >= query.limit) break;
    }
    return { sessions: live, next };
  }

  /** A few sessions at a time, with their resources as of the reading of each slice. */
  withResources(sessions: readonly SessionRecord[]): AsyncGenerator<SessionDetails[], void, void> {
    return this.slices.read(sessions);
  }

  /** The open sessions of a user, latest activity first; at most 1,000. */
  async ofUser(userId: string): Promise<readonly SessionRecord[]> {
    requireUserId(userId);
    const { sessions } = await this.context.store.sessions.list({
      filter: { userId },
      sort: '-last_activity',
      limit: USER_PAGE,
    });
    return sessions;
  }

  /** Flushes this process's touches, so that answers include them; if the store is read-only, answers lack them. */
  async flushTouches(): Promise<void> {
    try {
      await this.context.touches.flush(this.context.clock.now());
    } catch (error) {
      if (!hasCode(error, 'STORE_UNAVAILABLE')) throw error;
    }
  }
}
