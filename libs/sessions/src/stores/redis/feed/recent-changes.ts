import type { BeginEnd, EndingsGroup } from '../../../ports/endings.js';
import type { NewLogin, NewToken, SessionsGroup } from '../../../ports/sessions.js';
import type { Authority } from '../../../domain/session.js';

/** Age and number of the changes kept for repetition: replicas are rarely a second behind. */
const KEPT_MS = 60_000;
const MOST_KEPT = 10_000;
/** Sessions whose changes are repeated concurrently. */
const AT_ONCE = 500;

type Change =
  | { readonly kind: 'end'; readonly end: BeginEnd }
  | { readonly kind: 'login'; readonly authority: Authority; readonly login: NewLogin }
  | { readonly kind: 'regenerate'; readonly authority: Authority; readonly token: NewToken };

interface Kept {
  readonly sessionId: string;
  readonly change: Change;
  readonly madeAt: number;
}

/**
 * The recent ends, logins and regenerates of this process. It repeats them after a failover that lost them, so that neither
 * an ended session nor a replaced token becomes valid again.
 *
 * Covers the last minute and the last 10,000 changes, while the process lives. Until it repeats them, on its next read of
 * the feed, other processes see the earlier state. Each change has a condition:
 * - an end requires an open session, which can only be open because the end was lost; its files are being deleted;
 * - a login or regenerate requires the token that it replaced, so that it never replaces a later one. With any other token it
 *   waits: another process may first have to repeat an earlier change.
 */
export class RecentChanges {
  /** In order of time. */
  readonly #kept = new Set<Kept>();
  /** Changes to repeat. */
  #due: Kept[] = [];

  constructor(
    private readonly sessions: Pick<SessionsGroup, 'findByToken' | 'login' | 'regenerate'>,
    private readonly endings: Pick<EndingsGroup, 'beginEnd'>,
    /** Monotonic clock in milliseconds. */
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  /** Records a change that the store has accepted. */
  note(sessionId: string, change: Change): void {
    this.#forgetOld();
    this.#kept.add({ sessionId, change, madeAt: this.monotonic() });
  }

  /** Schedules all changes for repetition, as any of them may be lost. */
  doubtAll(): void {
    this.#forgetOld();
    this.#due = [...this.#kept];
  }

  /** Repeats the due changes. If it rejects, all stay due. */
  async makeAgain(): Promise<void> {
    const due = this.#due.filter((kept) => this.#isKept(kept));
    const bySession = [...Map.groupBy(due, ({ sessionId }) => sessionId).values()];
    const waiting: Kept[] = [];
    while (bySession.length > 0) {
      const some = bySession.splice(0, AT_ONCE);
      waiting.push(...(await Promise.all(some.map((changes) => this.#makeInOrder(changes)))).flat());
    }
    this.#due = waiting;
  }

  /**
   * Repeats the changes of one session, the oldest first, up to the first that the store does not take yet. Answers that one
   * and all after it: they stay due. If the session was ended, repeats the end alone.
   */
  async #makeInOrder(changes: readonly Kept[]): Promise<readonly Kept[]> {
    const end = changes.find(({ change }) => change.kind === 'end');
    if (end) changes = [end];
    for (const [index, { sessionId, change }] of changes.entries()) {
      if (!(await this.#make(sessionId, change))) return changes.slice(index);
    }
    return [];
  }

  /** Repeats one change. Answers `false` if the store must first get an earlier change, which another process made. */
  async #make(sessionId: string, change: Change): Promise<boolean> {
    if (change.kind === 'end') {
      // The lease ends at once, so that the next cleanup can finish it: this process may have finished it already.
      const lease = { ...change.end.lease, until: change.end.at };
      await this.endings.beginEnd(sessionId, { ...change.end, lease });
      return true;
    }
    const { tokenHash } = change.kind === 'login' ? change.login : change.token;
    const answer =
      change.kind === 'login'
        ? await this.sessions.login(sessionId, change.authority, change.login)
        : await this.sessions.regenerate(sessionId, change.authority, change.token);
    return answer !== 'stale' || (await this.sessions.findByToken(tokenHash)) !== null;
  }

  #isKept({ madeAt }: Kept): boolean {
    return this.monotonic() - madeAt <= KEPT_MS;
  }

  #forgetOld(): void {
    for (const kept of this.#kept) {
      if (this.#kept.size < MOST_KEPT && this.#isKept(kept)) return;
      this.#kept.delete(kept);
    }
  }
}
