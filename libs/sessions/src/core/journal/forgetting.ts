import type { Actor } from '../../domain/journal/actor.js';
import type { SessionsGroup } from '../../ports/sessions.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import { sumOfPending, type PendingFiles } from '../endings/peer-wait.js';

const PAGE = 100;

/** What was forgotten of a user. */
export interface Forgotten {
  /** Live sessions that were ended. */
  readonly sessions: number;
  /** Ended sessions whose timelines were erased. */
  readonly timelines: number;
  /**
   * Files on nodes that are away or late; `null` for none. Their records, and until then that of their session, keep the names of files
   * and the id of the user.
   */
  readonly pending: PendingFiles | null;
}

/** Ends the sessions of a user, and erases what the store keeps under the user's hash. */
export class Forgetting {
  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
  ) {}

  async forget(userId: string, by: Actor): Promise<Forgotten> {
    const { store, journal } = this.context;
    const userHash = await journal.hashOf(userId);
    const ended = await this.endAll(store.sessions, userId, by);
    let timelines = 0;
    for (;;) {
      const forgotten = await store.journal.forgetUser(userHash, PAGE);
      timelines += forgotten;
      if (forgotten === 0) return { ...ended, timelines };
    }
  }

  private async endAll(
    group: SessionsGroup,
    userId: string,
    by: Actor,
  ): Promise<Omit<Forgotten, 'timelines'>> {
    let sessions = 0;
    let pending: PendingFiles | null = null;
    for (;;) {
      const query = { filter: { userId }, sort: 'created_at', limit: PAGE } as const;
      const { sessions: page } = await group.list(query);
      if (page.length === 0) return { sessions, pending };
      const reason = by.kind === 'app' ? 'ended' : 'admin';
      const outcomes = await Promise.all(
        page.map(({ id }) => this.ender.end(id, reason, { thorough: true, by })),
      );
      for (const outcome of outcomes) {
        if (outcome?.unfinished) throw outcome.unfinished;
        if (outcome === null) continue;
        sessions += 1;
        pending = sumOfPending(pending, outcome.pending);
      }
    }
  }
}
