import { SessionsError } from '../../domain/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { FileSink } from './file-sink.js';

const CHECK_MS = 1000;
/** A sink that receives nothing for this long is noted in the store, so that others know of it before it is 5 s. */
const NOTE_AFTER_MS = 3000;

/** The files that this process writes, to note those that receive nothing, and to destroy them in the end. */
export class OpenSinks {
  private readonly sinks = new Set<FileSink>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly clock: Clock,
    /** A sink that receives nothing for this long is destroyed. */
    private readonly idleMs: number,
  ) {}

  /** Watches a sink until it is closed. */
  add(sink: FileSink): void {
    this.sinks.add(sink);
    this.timer ??= setInterval(() => void this.check(), CHECK_MS).unref();
    sink.once('close', () => {
      this.sinks.delete(sink);
      if (this.sinks.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    });
  }

  /**
   * Destroys the sinks that have received nothing for too long, notes in the store which others have stalled, and destroys
   * those that were released for another file. It is called every second. Never rejects: what the store does not answer is
   * repeated the next time.
   */
  async check(): Promise<void> {
    const stalled = [...this.sinks].filter((sink) => this.idleFor(sink) >= NOTE_AFTER_MS && !sink.destroyed);
    await Promise.all(stalled.map((sink) => this.checkStalled(sink)));
  }

  private async checkStalled(sink: FileSink): Promise<void> {
    const idleMs = this.idleFor(sink);
    if (idleMs < this.idleMs) return sink.noteStall(this.clock.now() - idleMs).catch(() => {});
    sink.destroy(
      new SessionsError(
        'UPLOAD_ABORTED',
        `The file received no byte for ${this.idleMs / 1000} s (option sinkIdleSeconds).`,
      ),
    );
  }

  private idleFor(sink: FileSink): number {
    return sink.waitsSince === null ? 0 : this.clock.monotonic() - sink.waitsSince;
  }
}
