import type { Clock } from '../../ports/clock.js';
import type { Log } from './log.js';

const MINUTE_MS = 60_000;

/** Warns of what many requests may share: at most once a minute for each key. Keys are of a fixed set. */
export class MinuteLog {
  private readonly warnedAt = new Map<string, number>();

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly log: Pick<Log, 'warn'>,
  ) {}

  /** `line` is called only if it is logged. */
  warn(key: string, line: () => string): void {
    if (this.isDue(key)) this.log.warn(line());
  }

  /** Whether a line is due; the caller then writes it. */
  isDue(key: string): boolean {
    const now = this.clock.monotonic();
    if (now - (this.warnedAt.get(key) ?? Number.NEGATIVE_INFINITY) < MINUTE_MS) return false;
    this.warnedAt.set(key, now);
    return true;
  }
}
