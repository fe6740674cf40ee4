import type { SessionsGroup, Touch } from '../../ports/sessions.js';

const SLICE = 500;

type NotedTouch = { -readonly [Key in keyof Touch]: Touch[Key] };

/**
 * Touches of this process on their way to the store. A request only notes its touch here; the notes are written once a
 * second, in slices, so that ten thousand of them never hold a request up.
 */
export class TouchBuffer {
  private pending = new Map<string, NotedTouch>();
  private flushing: Promise<void> | null = null;
  /** Requests of which it is not known yet whether they are activity, the oldest first. */
  private readonly undecided = new Set<{ readonly at: number }>();
  private flushedThrough: number;

  constructor(
    private readonly sessions: SessionsGroup,
    now: number,
  ) {
    this.flushedThrough = now;
  }

  /**
   * Notes activity at `at`; `requests` is 0 where only bytes moved. What is noted already is changed, not replaced, so that
   * a request leaves nothing that outlives it.
   */
  add(sessionId: string, at: number, requests: number): void {
    const noted = this.pending.get(sessionId);
    if (!noted) {
      this.pending.set(sessionId, { sessionId, at, requests });
      return;
    }
    noted.at = Math.max(noted.at, at);
    noted.requests += requests;
  }

  /** What is noted of a session and not yet written. */
  noted(sessionId: string): Touch | undefined {
    return this.pending.get(sessionId);
  }

  /**
   * Keeps writes that begin from here on from carrying `flushedThroughAt` past `at`, until what it returns is called: a
   * request that came then may turn out to be activity.
   */
  hold(at: number): () => void {
    const held = { at };
    this.undecided.add(held);
    return () => this.undecided.delete(held);
  }

  /** Every touch before this instant is in the store. */
  get flushedThroughAt(): number {
    return this.flushedThrough;
  }

  get size(): number {
    return this.pending.size;
  }

  /**
   * Writes what is noted. When it resolves, everything noted before the call at `now` is in the store. What could not be
   * written stays noted, and the promise rejects.
   */
  async flush(now: number): Promise<void> {
    while (this.flushing) await this.flushing.catch(() => {});
    this.flushing = this.write(now);
    try {
      await this.flushing;
    } finally {
      this.flushing = null;
    }
  }

  private async write(now: number): Promise<void> {
    // Decided as it begins: what turns out to be activity while it lasts is only in the next one.
    const [oldest] = this.undecided;
    const through = oldest ? Math.min(oldest.at, now) : now;
    const touches = [...this.pending.values()];
    this.pending = new Map();
    for (let start = 0; start < touches.length; start += SLICE) {
      try {
        await this.sessions.touch(touches.slice(start, start + SLICE));
      } catch (error) {
        for (const { sessionId, at, requests } of touches.slice(start)) this.add(sessionId, at, requests);
        throw error;
      }
    }
    this.flushedThrough = through;
  }
}
