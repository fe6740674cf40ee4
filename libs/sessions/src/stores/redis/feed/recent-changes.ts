import type { BeginEnd, EndingsGroup } from '../../../ports/endings.js';
import type { SessionsGroup } from '../../../ports/sessions.js';

/** Age and number of the changes kept for repetition: replicas are rarely a second behind. */
const KEPT_MS = 60_000;
const MOST_KEPT = 10_000;
/** Sessions whose changes are repeated concurrently. */
const AT_ONCE = 500;

type Change =
  | { readonly kind: 'end'; readonly end: BeginEnd }
  | { readonly kind: 'bind'; readonly epoch: number; readonly userId: string }
  | { readonly kind: 'rotate'; readonly epoch: number; readonly tokenHash: string; readonly at: number };

interface Kept {
  readonly sessionId: string;
  readonly change: Change;
  readonly madeAt: number;
}

/**
 * The recent ends, binds and rotations of this process. It repeats them after a failover that lost them, so that neither
 * an ended session nor a replaced token becomes valid again.
 *
 * Covers the last minute and the last 10,000 changes, while the process lives. Until it repeats them, on its next read of
 * the feed, other processes see the earlier state. Each change has a condition:
 * - an end requires an open session, which can only be open because the end was lost; its files are being deleted;
 * - a rotation requires its epoch, so that it never replaces a later token;
 * - a bind requires its epoch, or a later one of a session without a user.
 * A bind or rotation waits if another process must first repeat an earlier change.
 */
export class RecentChanges {
  /** In order of time. */
  readonly #kept = new Set<Kept>();
  /** Changes to repeat. */
  #due: Kept[] = [];

  constructor(
    private readonly sessions: Pick<SessionsGroup, 'find' | 'bindUser' | 'rotate'>,
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

  /** Repeats the changes of one session; answers those that must wait. An end makes all others irrelevant. */
  async #makeInOrder(changes: readonly Kept[]): Promise<readonly Kept[]> {
    const end = changes.find(({ change }) => change.kind === 'end');
    if (end) changes = [end];
    for (const [index, { sessionId, change }] of changes.entries()) {
      if (!(await this.#make(sessionId, change))) return changes.slice(index);
    }
    return [];
  }

  /** Answers whether the change is done, or obsolete. */
  async #make(sessionId: string, change: Change): Promise<boolean> {
    if (change.kind === 'end') {
      // The lease ends at once, so that the next cleanup can finish it: this process may have finished it already.
      const lease = { ...change.end.lease, until: change.end.at };
      await this.endings.beginEnd(sessionId, { ...change.end, lease });
      return true;
    }
    const answer =
      change.kind === 'bind'
        ? await this.sessions.bindUser(sessionId, change.epoch, change.userId)
        : await this.sessions.rotate(sessionId, change.epoch, change.tokenHash, change.at);
    if (answer !== 'stale') return true;
    const session = await this.sessions.find(sessionId);
    if (session?.state !== 'open') return true;
    if (session.epoch < change.epoch) return false;
    if (change.kind === 'rotate' || session.userId !== null) return true;
    return (await this.sessions.bindUser(sessionId, session.epoch, change.userId)) !== 'stale';
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
