import type { Clock } from '../../ports/clock.js';
import type { SessionStore } from '../../ports/store/session-store.js';
import { NEWER_MESSAGE, StoreHeld, type Holder } from '../../ports/store/store-trouble.js';
import { SILENT_AFTER_MS } from '../process/this-process.js';
import { describeError, oneLine, type Log } from '../watch/log.js';
import { MinuteLog } from '../watch/minute-log.js';

const TRY_MS = 1000;
const MOST_NAMED = 5;

/**
 * Connects the store. Where processes of an older version may still use it, this process waits until each of them is gone, or
 * has sent no heartbeat for `SILENT_AFTER_MS` of watching: the clock of the store is not known yet.
 */
export class StoreTakeover {
  /** Why the store is not connected; `null` if it is, or nobody has tried. */
  held: StoreHeld | null = null;
  /** Why this process serves nobody yet; `null` if it does, or has not waited. */
  refusal: StoreHeld | null = null;
  private readonly seen = new Map<string, { readonly at: number; readonly since: number }>();
  private readonly notes: MinuteLog;
  private timer: NodeJS.Timeout | undefined;
  private trying: Promise<void> | null = null;

  constructor(
    private readonly store: Pick<SessionStore, 'connect'>,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.notes = new MinuteLog(clock, log);
  }

  /** Answers whether the store is connected. Rejects with what no waiting changes. */
  async connect(): Promise<boolean> {
    try {
      await this.connectBeside([]);
    } catch (error) {
      if (!(error instanceof StoreHeld)) throw error;
      this.held = error;
      return false;
    }
    this.held = null;
    return true;
  }

  /** Calls `start` once the store is connected. A failure is logged, and the whole repeated. */
  startLater(start: () => Promise<void>): void {
    this.refusal = this.held;
    this.tell();
    this.timer = setInterval(() => {
      this.trying ??= this.tryAgain(start).finally(() => (this.trying = null));
    }, TRY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.trying;
  }

  /** Says, once a minute, that a newer version has taken the store over. */
  tellOfNewer(): void {
    this.notes.warn('newer', () => NEWER_MESSAGE);
  }

  private async tryAgain(start: () => Promise<void>): Promise<void> {
    try {
      if (!(await this.connect())) return this.tell();
      await start();
    } catch (error) {
      this.notes.warn('failed', () => `Taking the session store over failed: ${describeError(error)}`);
      return;
    }
    clearInterval(this.timer);
    this.refusal = null;
    this.log.log(
      'The processes of the older nest-sessions are gone: this one has taken the session store over.',
    );
  }

  private async connectBeside(silent: readonly Holder[]): Promise<void> {
    try {
      await this.store.connect(silent);
    } catch (error) {
      if (!(error instanceof StoreHeld) || silent.length > 0) throw error;
      const silentNow = this.silentOf(error.holders);
      if (silentNow.length < error.holders.length) throw error;
      await this.connectBeside(silentNow);
    }
  }

  private silentOf(holders: readonly Holder[]): Holder[] {
    const now = this.clock.monotonic();
    return holders.filter(({ processId, at }) => {
      const known = this.seen.get(processId);
      if (known?.at !== at) this.seen.set(processId, { at, since: now });
      return known?.at === at && now - known.since >= SILENT_AFTER_MS;
    });
  }

  private tell(): void {
    const { held } = this;
    if (held === null) return;
    this.notes.warn('older', () => `${held.message} They are: ${named(held.holders)}.`);
  }
}

function named(holders: readonly Holder[]): string {
  const names = holders
    .slice(0, MOST_NAMED)
    .map(({ host, pid }) => `process ${pid} on ${oneLine(host, 100)}`);
  const more = holders.length - MOST_NAMED;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
