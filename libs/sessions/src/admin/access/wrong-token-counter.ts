import type { SessionsCore } from '../../core/core.js';
import { describeError, type Log } from '../../core/watch/log.js';
import { MOST_WRONG_TOKENS } from '../../domain/journal/audit-entry.js';

/** A flood is counted at the store's pace: it must not fill the queue of its writes. */
const MOST_AT_ONCE = 16;
const MINUTE_MS = 60_000;

interface Waiting {
  readonly network: string;
  readonly at: number;
  readonly count: number;
}

/** Counts wrong admin tokens in the audit, beside the requests. Best effort: what the store does not take is not counted. */
export class WrongTokenCounter {
  private readonly waiting = new Map<string, Waiting>();
  private underWay = 0;

  constructor(
    private readonly core: Pick<SessionsCore, 'store' | 'clock'>,
    private readonly log: Log,
  ) {}

  /** Returns at once, and never throws. */
  add(network: string): void {
    const at = this.core.clock.now();
    const key = `${Math.floor(at / MINUTE_MS)} ${network}`;
    const known = this.waiting.get(key);
    if (!known && this.waiting.size >= MOST_WRONG_TOKENS) return;
    this.waiting.set(key, { network, at, count: (known?.count ?? 0) + 1 });
    this.countOn();
  }

  private countOn(): void {
    for (const [key, { network, at, count }] of this.waiting) {
      if (this.underWay >= MOST_AT_ONCE) return;
      if (count > 1) this.waiting.set(key, { network, at, count: count - 1 });
      else this.waiting.delete(key);
      this.underWay += 1;
      void this.count(network, at);
    }
  }

  private async count(network: string, at: number): Promise<void> {
    try {
      await this.core.store.audit.countWrongToken(network, at);
    } catch (error) {
      // The store is away: others would fail as this one did, after the same wait.
      this.waiting.clear();
      this.log.debug(`Wrong admin tokens were not counted: ${describeError(error)}`);
    }
    this.underWay -= 1;
    this.countOn();
  }
}
