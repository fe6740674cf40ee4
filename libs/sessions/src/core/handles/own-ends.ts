import { AsyncLocalStorage } from 'node:async_hooks';

const work = new AsyncLocalStorage<OwnEnds>();
let watching = 0;

/** The sessions that a piece of work, such as a handler, ends itself, by a `Session` object or by id. */
export class OwnEnds {
  private readonly sessionIds = new Set<string>();
  private isWatching = false;

  /** The work that is under way here has ended this session. */
  static note(sessionId: string): void {
    work.getStore()?.sessionIds.add(sessionId);
  }

  /** Notes what `step` ends, and what is begun in it, until `stop`. */
  watch<Answer>(step: () => Answer): Answer {
    if (!this.isWatching) watching += 1;
    this.isWatching = true;
    return work.run(this, step);
  }

  /** Ends the watch; repeating that does nothing. */
  stop(): void {
    if (!this.isWatching) return;
    this.isWatching = false;
    watching -= 1;
    // On Node 22 a storage that is enabled slows down every promise of the process.
    if (watching === 0) work.disable();
  }

  has(sessionId: string): boolean {
    return this.sessionIds.has(sessionId);
  }
}
