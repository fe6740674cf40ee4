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
    const now = this.clock.monotonic();
    if (now - (this.warnedAt.get(key) ?? Number.NEGATIVE_INFINITY) < MINUTE_MS) return;
    this.warnedAt.set(key, now);
    this.log.warn(line());
  }
}
