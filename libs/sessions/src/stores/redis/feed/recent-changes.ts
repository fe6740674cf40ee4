import type { BeginEnd, EndingsGroup } from '../../../ports/endings.js';
import type { SessionsGroup } from '../../../ports/sessions.js';

/** For so long after it was made a change can be made again, and so many of them: a replica is seldom a second behind. */
const KEPT_MS = 60_000;
const MOST_KEPT = 10_000;
/** So many sessions are looked after at once. */
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
 * The ends, binds and rotations that this process made lately, so that it can make them again when a master was lost and
 * its replica had not heard of them: a session that was over is not to live again, nor a token that was replaced.
 *
 * Sure as long as the process lives, for the last minute and the last 10,000 changes. Until it comes to it, which is with
 * its next look at the feed, others may find the session as it was. Each change looks first whether it still has its place:
 * - an end happens if the session is open: nothing else opens one that was over, and what it owned is on its way out;
 * - a rotation happens if the epoch is the one it was made on: a token that was given out since is left alone;
 * - a bind happens on its epoch too; on a later one only if the session has no user.
 * A rotation or a bind whose turn has not come, because another process has yet to make what went before it, waits.
 */
export class RecentChanges {
  /** In the order in which they were made. */
  readonly #kept = new Set<Kept>();
  /** Those that have to be made again. */
  #due: Kept[] = [];

  constructor(
    private readonly sessions: Pick<SessionsGroup, 'find' | 'bindUser' | 'rotate'>,
    private readonly endings: Pick<EndingsGroup, 'beginEnd'>,
    /** Milliseconds by a clock that nobody sets. */
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  /** Notes a change that the store has accepted. */
  note(sessionId: string, change: Change): void {
    this.#forgetOld();
    this.#kept.add({ sessionId, change, madeAt: this.monotonic() });
  }

  /** What was accepted may not have happened: all of it is due. */
  doubtAll(): void {
    this.#forgetOld();
    this.#due = [...this.#kept];
  }

  /** Makes what is due again. Where it rejects, all of it stays due. */
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

  /** Those of one session; answers those whose turn has not come. Where it is to be over, nothing else matters. */
  async #makeInOrder(changes: readonly Kept[]): Promise<readonly Kept[]> {
    const end = changes.find(({ change }) => change.kind === 'end');
    if (end) changes = [end];
    for (const [index, { sessionId, change }] of changes.entries()) {
      if (!(await this.#make(sessionId, change))) return changes.slice(index);
    }
    return [];
  }

  /** Whether there is nothing more to do about it. */
  async #make(sessionId: string, change: Change): Promise<boolean> {
    if (change.kind === 'end') {
      // Whoever cleans up next may finish it: this process may be through with it, or in the middle.
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
