import type { Clock } from '../../ports/clock.js';
import type { Log } from './log.js';

const MINUTE_MS = 60_000;
const CHECK_MS = 10_000;

type Level = 'error' | 'warn';

interface Episode {
  readonly level: Level;
  /** When its latest line was written, monotonic. */
  loggedAt: number;
  /** Failures since that line. */
  unlogged: number;
  total: number;
}

/**
 * Logs failures that come in crowds, e.g. one with every request while the disk is full: of each kind a line when it begins,
 * its count once a minute while it lasts, and a line when a minute has passed without one. At debug level it logs each.
 */
export class RepeatedFailures {
  private readonly episodes = new Map<string, Episode>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** `kind` is from a fixed set, e.g. an error's code; `line` is logged if it begins. */
  note(kind: string, line: string, level: Level = 'error'): void {
    this.check();
    const episode = this.episodes.get(kind);
    if (episode) {
      this.log.debug(line);
      episode.unlogged += 1;
      episode.total += 1;
      return;
    }
    this.log[level](line);
    this.episodes.set(kind, { level, loggedAt: this.clock.monotonic(), unlogged: 0, total: 1 });
    this.timer ??= setInterval(() => this.check(), CHECK_MS).unref();
  }

  /** Writes the lines that are due. It is called every ten seconds while there are failures. */
  check(): void {
    const now = this.clock.monotonic();
    for (const [kind, episode] of this.episodes) {
      if (now - episode.loggedAt < MINUTE_MS) continue;
      if (episode.unlogged === 0) {
        this.log.log(`${kind}: none for a minute, ${episode.total} in all`);
        this.episodes.delete(kind);
      } else {
        this.log[episode.level](`${kind}: ${episode.unlogged} more`);
        episode.loggedAt = now;
        episode.unlogged = 0;
      }
    }
    if (this.episodes.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
