import { hasCode } from '../../domain/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { FeedPosition, SessionChange, SessionStore } from '../../ports/store/session-store.js';
import { describeError, type Log } from '../watch/log.js';
import type { SessionCache } from './session-cache.js';

const POLL_MS = 500;
/** Notifications this close together cause one read. */
const DEBOUNCE_MS = 50;
const PAGE = 500;

/** Polls the feed, so that this process drops cached sessions and closes connections that others ended. */
export class ChangeFeed {
  private position: FeedPosition | null = null;
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<void> | null = null;
  private failing = false;
  private isStopped = false;
  private debounce: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: Pick<SessionStore, 'feed' | 'onChange'>,
    private readonly cache: SessionCache,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly onChange: (change: SessionChange) => void,
    /** Drops all that is cached, and checks what this process knows: changes may have been missed. */
    private readonly onReset: () => Promise<void>,
  ) {}

  async start(): Promise<void> {
    await this.read();
    this.timer = setInterval(() => void this.read().catch(() => {}), POLL_MS);
    this.timer.unref();
    this.store
      .onChange(() => this.readSoon())
      .catch((error: unknown) =>
        this.log.warn(
          `Change notifications unavailable, polling every ${POLL_MS} ms: ${describeError(error)}`,
        ),
      );
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    clearTimeout(this.debounce);
    this.isStopped = true;
    await this.reading?.catch(() => {});
  }

  /** Reads to the end of the feed. A call during a read shares it. */
  read(): Promise<void> {
    this.reading ??= this.readOn().finally(() => (this.reading = null));
    return this.reading;
  }

  /** Starts a new read soon, after one under way: that one may have passed the change already. */
  private readSoon(): void {
    if (this.isStopped) return;
    this.debounce ??= setTimeout(() => {
      this.debounce = undefined;
      void (this.reading ?? Promise.resolve())
        .catch(() => {})
        .then(() => this.read())
        .catch(() => {});
    }, DEBOUNCE_MS).unref();
  }

  private async readOn(): Promise<void> {
    const startedAt = this.clock.monotonic();
    try {
      let more = true;
      while (more) {
        const feed = await this.store.feed.read(this.position, PAGE);
        // If this fails the position stays, and the next read gets the reset again.
        if (feed.reset) await this.onReset();
        for (const change of feed.changes) this.onChange(change);
        this.position = feed.position;
        more = feed.more;
      }
      this.cache.feedRead(startedAt);
      this.failing = false;
    } catch (error) {
      // That a newer version took the store over is told elsewhere.
      if (!this.failing && !hasCode(error, 'STORE_INCOMPATIBLE'))
        this.log.warn(`Reading changes of other processes failed: ${describeError(error)}`);
      this.failing = true;
      throw error;
    }
  }
}
