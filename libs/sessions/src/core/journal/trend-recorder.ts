import { hasCode } from '../../domain/errors.js';
import { sumOfCounts, trendStart } from '../../domain/trends/trend.js';
import type { TrendBatch } from '../../ports/record/trends.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';

/** Minutes that wait while the store is away; older ones are summed. */
const MOST_WAITING = 60;

type Minute = Pick<TrendBatch, 'at' | 'counts'>;

/** Counts by minute what no operation of the store counts itself, and sends it to the store: each minute once. */
export class TrendRecorder {
  private counts: Record<string, number> = {};
  /** The beginning of the minute that is counted now; `null` before the first. */
  private minute: number | null = null;
  private countedTouches = 0;
  private waiting: Minute[] = [];
  /** The store may have added it, or not: it is sent again as it is. */
  private unanswered: TrendBatch | null = null;
  private sent = 0;
  private sending: Promise<void> | null = null;

  constructor(
    private readonly context: Pick<
      CoreContext,
      'clock' | 'events' | 'failures' | 'store' | 'thisProcess' | 'touches'
    >,
  ) {
    const { events } = context;
    // No touch counts the request that opens a session.
    events.on('session.opened', () => this.count('requests'));
    events.on('session.refused', ({ reason }) => this.count(`refused:${reason}`));
    events.on('resource.refused', ({ reason }) => this.count(`refused_file:${reason}`));
    events.on('cleanup.finished', ({ items, failures }) => {
      this.count('cleaned', items);
      this.count('cleanup_failures', failures);
    });
  }

  /** Open sessions, of all processes, and the users who have some, as the store has just answered. */
  see(open: number, users: number | null): void {
    const peaks = { ...(open > 0 && { peak_open: open }), ...(users && { peak_users: users }) };
    this.counts = sumOfCounts([this.counts, peaks]);
  }

  /** Call it once a second: ends a minute that is over, and sends what waits. Never rejects. Calls during one share its sending. */
  flush(): Promise<void> {
    const minute = this.minuteNow();
    this.minute ??= minute;
    if (minute !== this.minute) this.endMinute(this.minute);
    this.minute = minute;
    return this.send();
  }

  /** Sends also the minute that is not over. Never rejects. */
  stop(): Promise<void> {
    this.endMinute(this.minute ?? this.minuteNow());
    return this.send();
  }

  private minuteNow(): number {
    return trendStart('minute', this.context.clock.now());
  }

  private count(name: string, count = 1): void {
    if (count > 0) this.counts[name] = (this.counts[name] ?? 0) + count;
  }

  private endMinute(at: number): void {
    const { requests } = this.context.touches;
    this.count('requests', requests - this.countedTouches);
    this.countedTouches = requests;
    if (Object.keys(this.counts).length > 0) this.waiting.push({ at, counts: this.counts });
    this.counts = {};
    const [first, second, ...rest] = this.waiting;
    if (first && second && this.waiting.length > MOST_WAITING)
      this.waiting = [{ at: first.at, counts: sumOfCounts([first.counts, second.counts]) }, ...rest];
  }

  private send(): Promise<void> {
    this.sending ??= this.sendAll().finally(() => (this.sending = null));
    return this.sending;
  }

  private async sendAll(): Promise<void> {
    while ((this.unanswered ??= this.next())) {
      try {
        await this.context.store.trends.add(this.unanswered);
      } catch (error) {
        // That a newer version took the store over is told elsewhere.
        if (hasCode(error, 'STORE_INCOMPATIBLE')) return;
        this.context.failures.note(
          'Trends that were not written',
          `The trends are ${this.waiting.length + 1} min behind: ${describeError(error)}`,
          'warn',
        );
        return;
      }
      this.unanswered = null;
    }
  }

  private next(): TrendBatch | null {
    const minute = this.waiting.shift();
    if (!minute) return null;
    this.sent += 1;
    return { ...minute, processId: this.context.thisProcess.id, number: this.sent };
  }
}
