import type { Clock } from '../../ports/clock.js';
import type { FeedPosition, SessionChange, SessionStore } from '../../ports/session-store.js';
import { describeError, type Log } from '../watch/log.js';
import type { SessionCache } from './session-cache.js';

/** So late an end elsewhere is known here at the latest, while the store answers. */
const POLL_MS = 500;
/** News that come so close together are one. */
const NEWS_MS = 50;
const PAGE = 500;

/** Follows what other processes change, so that this one forgets and closes what they ended. */
export class ChangeFeed {
  private position: FeedPosition | null = null;
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<void> | null = null;
  private failing = false;
  private isStopped = false;
  private hurrying: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: Pick<SessionStore, 'feed' | 'onChange'>,
    private readonly cache: SessionCache,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly onChange: (change: SessionChange) => void,
    private readonly onReset: () => Promise<void>,
  ) {}

  async start(): Promise<void> {
    await this.read();
    this.timer = setInterval(() => void this.read().catch(() => {}), POLL_MS);
    this.timer.unref();
    this.store
      .onChange(() => this.hurry())
      .catch((error: unknown) =>
        this.log.warn(`Changes of other processes are looked for only by the clock: ${describeError(error)}`),
      );
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    clearTimeout(this.hurrying);
    this.isStopped = true;
    await this.reading?.catch(() => {});
  }

  /** Reads on to the end of the feed. Reads that overlap are one. */
  read(): Promise<void> {
    this.reading ??= this.readOn().finally(() => (this.reading = null));
    return this.reading;
  }

  /** Reads soon, and from its beginning: a read that is under way may have passed by what is new. */
  private hurry(): void {
    if (this.isStopped) return;
    this.hurrying ??= setTimeout(() => {
      this.hurrying = undefined;
      void (this.reading ?? Promise.resolve())
        .catch(() => {})
        .then(() => this.read())
        .catch(() => {});
    }, NEWS_MS).unref();
  }

  private async readOn(): Promise<void> {
    const startedAt = this.clock.monotonic();
    try {
      let more = true;
      while (more) {
        const feed = await this.store.feed.read(this.position, PAGE);
        if (feed.reset) {
          this.cache.clear();
          // Where this fails the position stays, and the next read is told of the reset again.
          await this.onReset();
        }
        for (const change of feed.changes) this.onChange(change);
        this.position = feed.position;
        more = feed.more;
      }
      this.cache.feedRead(startedAt);
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.log.warn(`Changes of other processes cannot be read: ${describeError(error)}`);
      this.failing = true;
      throw error;
    }
  }
}
