import { SessionsError } from '../../domain/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { FileSink } from './file-sink.js';

const CHECK_MS = 1000;

/** The files that this process writes, to cancel those that receive nothing. */
export class OpenSinks {
  private readonly bySession = new Map<string, Set<FileSink>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly clock: Clock,
    /** A sink that receives nothing for this long is destroyed. */
    private readonly idleMs: number,
  ) {}

  /** Watches a sink until it is closed. */
  add(sessionId: string, sink: FileSink): void {
    const sinks = this.bySession.get(sessionId) ?? new Set();
    this.bySession.set(sessionId, sinks.add(sink));
    this.timer ??= setInterval(() => this.destroyIdle(), CHECK_MS).unref();
    sink.once('close', () => {
      sinks.delete(sink);
      if (sinks.size === 0) this.bySession.delete(sessionId);
      if (this.bySession.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    });
  }

  /**
   * Destroys the sink of a session, other than that of `resourceId`, that has received nothing for the longest time, if that
   * is at least `stalledMs`. Resolves when its file is gone; answers whether there was one.
   */
  async cancelStalled(sessionId: string, resourceId: string, stalledMs: number): Promise<boolean> {
    const [sink] = [...(this.bySession.get(sessionId) ?? [])]
      .filter((other) => other.resourceId !== resourceId && !other.destroyed)
      .filter((other) => this.idleFor(other) >= stalledMs)
      .toSorted((a, b) => this.idleFor(b) - this.idleFor(a));
    if (!sink) return false;
    const closed = new Promise((resolve) => sink.once('close', resolve));
    sink.destroy(
      new SessionsError(
        'UPLOAD_ABORTED',
        `No byte arrived for ${stalledMs / 1000} s while another file of the session waited for room.`,
      ),
    );
    await closed;
    return true;
  }

  private destroyIdle(): void {
    for (const sink of [...this.bySession.values()].flatMap((sinks) => [...sinks])) {
      if (this.idleFor(sink) < this.idleMs || sink.destroyed) continue;
      sink.destroy(
        new SessionsError(
          'UPLOAD_ABORTED',
          `The file received no byte for ${this.idleMs / 1000} s (option sinkIdleSeconds).`,
        ),
      );
    }
  }

  private idleFor(sink: FileSink): number {
    return sink.waitsSince === null ? 0 : this.clock.monotonic() - sink.waitsSince;
  }
}
