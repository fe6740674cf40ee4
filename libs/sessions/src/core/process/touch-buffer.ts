import type { SessionsGroup, Touch } from '../../ports/sessions.js';

const SLICE = 500;

type NotedTouch = { -readonly [Key in keyof Touch]: Touch[Key] };

/**
 * Buffers the touches of this process, which writes them to the store once a second, in slices, so that ten thousand of
 * them delay no request.
 */
export class TouchBuffer {
  private pending = new Map<string, NotedTouch>();
  private flushing: Promise<void> | null = null;
  /** Requests that may turn out to be activity, oldest first. */
  private readonly holds = new Set<{ readonly at: number }>();
  private flushedThrough: number;
  private noteBefore: (now: number) => void = () => {};
  private counted = 0;

  constructor(
    private readonly sessions: SessionsGroup,
    now: number,
  ) {
    this.flushedThrough = now;
  }

  /**
   * Records activity at `at`; `requests` is 0 if only bytes were transferred. Updates an existing entry in place: one object
   * per request would be garbage that outlives it.
   */
  add(sessionId: string, at: number, requests: number): void {
    this.counted += requests;
    this.note(sessionId, at, requests);
  }

  /** Requests counted since the process started. */
  get requests(): number {
    return this.counted;
  }

  private note(sessionId: string, at: number, requests: number): void {
    const noted = this.pending.get(sessionId);
    if (!noted) {
      this.pending.set(sessionId, { sessionId, at, requests });
      return;
    }
    noted.at = Math.max(noted.at, at);
    noted.requests += requests;
  }

  /** Drops all unwritten touches. */
  discard(): void {
    this.pending = new Map();
  }

  /** `note` is called at the start of each flush, with its instant: what it adds is in that flush. */
  beforeFlush(note: (now: number) => void): void {
    this.noteBefore = note;
  }

  /** The unwritten touch of a session. */
  pendingOf(sessionId: string): Touch | undefined {
    return this.pending.get(sessionId);
  }

  /**
   * Stops flushes that begin from now on from moving `flushedThroughAt` past `at`, until the returned function is called:
   * a request that arrived at `at` may turn out to be activity.
   */
  holdFlushedThrough(at: number): () => void {
    const hold = { at };
    this.holds.add(hold);
    return () => this.holds.delete(hold);
  }

  /** Every touch before this instant is in the store. */
  get flushedThroughAt(): number {
    return this.flushedThrough;
  }

  get size(): number {
    return this.pending.size;
  }

  /**
   * Writes all pending touches. When it resolves, every touch added before the call at `now` is in the store. If it rejects,
   * touches that could not be written stay pending.
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
    this.noteBefore(now);
    // Read at the start: requests that turn out to be activity during this flush are only in the next one.
    const [oldest] = this.holds;
    const through = oldest ? Math.min(oldest.at, now) : now;
    const touches = [...this.pending.values()];
    this.pending = new Map();
    for (let start = 0; start < touches.length; start += SLICE) {
      try {
        await this.sessions.touch(touches.slice(start, start + SLICE));
      } catch (error) {
        for (const { sessionId, at, requests } of touches.slice(start)) this.note(sessionId, at, requests);
        throw error;
      }
    }
    this.flushedThrough = through;
  }
}
