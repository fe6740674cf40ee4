import type { Clock } from '../../ports/clock.js';
import type { Log } from './log.js';

const MINUTE_MS = 60_000;
const CHECK_MS = 10_000;

interface Episode {
  /** When its latest line was written, monotonic. */
  loggedAt: number;
  /** Failures since that line. */
  unlogged: number;
  total: number;
}

/**
 * Logs a failure that many requests share, such as a full disk: a line when it begins, its count once a minute while it
 * lasts, and a line when a minute has passed without one.
 */
export class RepeatedFailures {
  private readonly episodes = new Map<string, Episode>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly log: Pick<Log, 'error' | 'log'>,
  ) {}

  /** `what` names the kind of failure, from a fixed set; `line` is logged if it begins. */
  note(what: string, line: string): void {
    this.check();
    const episode = this.episodes.get(what);
    if (episode) {
      episode.unlogged += 1;
      episode.total += 1;
      return;
    }
    this.log.error(line);
    this.episodes.set(what, { loggedAt: this.clock.monotonic(), unlogged: 0, total: 1 });
    this.timer ??= setInterval(() => this.check(), CHECK_MS).unref();
  }

  /** Writes the lines that are due. It is called every ten seconds while there are failures. */
  check(): void {
    const now = this.clock.monotonic();
    for (const [what, episode] of this.episodes) {
      if (now - episode.loggedAt < MINUTE_MS) continue;
      if (episode.unlogged === 0) {
        this.log.log(`${what} is over: no request failed so for a minute, ${episode.total} had failed`);
        this.episodes.delete(what);
      } else {
        this.log.error(`${what} goes on: ${episode.unlogged} more requests failed`);
        episode.loggedAt = now;
        episode.unlogged = 0;
      }
    }
    if (this.episodes.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
