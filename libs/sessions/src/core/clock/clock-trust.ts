import { SessionsError } from '../../domain/errors.js';
import type { Clock, ClockAnchor, ClockGroup } from '../../ports/clock.js';
import { describeError, type Log } from '../watch/log.js';
import { AnchoredClock } from './system-clock.js';

/** How long nothing is deleted for its age once the clock is in doubt, unless an operator vouches for it sooner. */
export const DOUBTED_FOR_MS = 600_000;
/** A wall clock that moves by more than this while the machine did not sleep has leapt. */
const LEAP_MS = 60_000;
/** A clock further than this from another that should agree is wrong, or was off for long. */
const IMPLAUSIBLE_MS = 24 * 3600 * 1000;
/** Clocks of several machines may differ this much. */
const JITTER_MS = 2000;
const CHECK_MS = 1000;
const STRAGGLERS_MS = 5000;

/**
 * - `doubted`: nothing is ended or deleted for its age until `doubtedUntil`.
 * - `wrong`: the store's time and this machine's clock are more than a day apart: an operator has to look at both.
 */
export type ClockVerdict = 'ok' | 'doubted' | 'wrong';

export interface ClockStatus {
  readonly verdict: ClockVerdict;
  /** The store's time. */
  readonly now: number;
  /** This machine's clock. */
  readonly systemTime: number;
  /** `null` unless the clock is in doubt now. */
  readonly doubtedUntil: number | null;
}

/**
 * Anchors the clock of this process to the store, and judges with the other processes whether it can be trusted for
 * deletions. While it cannot, every process ends and deletes nothing for its age: sessions that look over are refused, but
 * stay. Clocks other than `AnchoredClock` are always trusted.
 */
export class ClockTrust {
  private readonly anchored: AnchoredClock | null;
  private edition = 0;
  private wallOffsetMs: number | null = null;
  private doubtedUntil = Number.NEGATIVE_INFINITY;
  /** Whether the other processes have yet to be told of the doubt. */
  private isUntold = false;
  /** Until then, in monotonic milliseconds, writes under the former time may still arrive in the store. */
  private stragglersUntil = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly store: { readonly clock: ClockGroup },
    private readonly log: Log,
    /** The store's time has moved back or ahead: instants that this process remembers mean nothing. */
    private readonly onMoved: () => void,
  ) {
    this.anchored = clock instanceof AnchoredClock ? clock : null;
  }

  /** Adopts the store's anchor. The store must be connected. */
  async start(): Promise<void> {
    if (!this.anchored) return;
    this.adopt(await this.store.clock.anchor(this.anchored.reading()), this.anchored);
    await this.check();
    this.timer = setInterval(() => void this.check().catch(() => {}), CHECK_MS);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.checking?.catch(() => {});
  }

  get isTrusted(): boolean {
    const leftMs = this.doubtedUntil - this.clock.now();
    // A doubt that would last longer was recorded under another time of the store.
    return leftMs <= 0 || leftMs > DOUBTED_FOR_MS;
  }

  status(): ClockStatus {
    const now = this.clock.now();
    const systemTime = this.anchored?.wallMs() ?? now;
    const doubtedUntil = this.isTrusted ? null : this.doubtedUntil;
    const isWrong = Math.abs(now - systemTime) > IMPLAUSIBLE_MS;
    const verdict = isWrong ? 'wrong' : doubtedUntil === null ? 'ok' : 'doubted';
    return { verdict, now, systemTime, doubtedUntil };
  }

  /**
   * Reads the clocks and what other processes found, as this process does once a second. A call while it is running shares
   * it. Rejects if the store does not answer; a doubt of this process counts nevertheless.
   */
  check(): Promise<void> {
    this.checking ??= this.checkNow().finally(() => (this.checking = null));
    return this.checking;
  }

  /**
   * An operator vouches for the system clock: the store's time becomes it (or Redis' own time), for all processes, within
   * about a second. Sessions that were opened or used later than that expire now, so that none outlives its limits. Answers
   * the status afterwards. Rejects with `INVALID_ARGUMENT` if the clock is not the system's.
   */
  async trust(): Promise<ClockStatus> {
    if (!this.anchored)
      throw new SessionsError('INVALID_ARGUMENT', 'adapters.clock replaces the system clock.');
    this.anchored.observe();
    this.doubtedUntil = Number.NEGATIVE_INFINITY;
    this.isUntold = false;
    this.adopt(await this.store.clock.trust(this.anchored.reading()), this.anchored);
    return this.status();
  }

  private async checkNow(): Promise<void> {
    if (!this.anchored) return;
    this.anchored.observe();
    this.noticeLeap(this.anchored);
    await this.tell(this.anchored);
    await this.listen(this.anchored);
  }

  /** A new setting of the wall clock, or a virtual machine that was restored: it went on where it had stopped. */
  private noticeLeap(clock: AnchoredClock): void {
    if (this.wallOffsetMs === null) return;
    const leapMs = clock.wallOffsetMs() - this.wallOffsetMs;
    if (Math.abs(leapMs) <= LEAP_MS) return;
    this.wallOffsetMs += leapMs;
    this.doubt(`The system clock moved by ${Math.round(leapMs / 1000)} s at once`);
  }

  private async listen(clock: AnchoredClock): Promise<void> {
    const askedAt = clock.monotonic();
    const { edition, doubtedUntil, ownTimeMs } = await this.store.clock.read();
    if (edition !== this.edition) return this.follow(clock);
    if (doubtedUntil !== null) this.doubtedUntil = Math.max(this.doubtedUntil, doubtedUntil);
    if (clock.monotonic() < this.stragglersUntil) await this.store.clock.forgetAfter(clock.now());
    if (ownTimeMs === null) return;
    const aheadMs = ownTimeMs - clock.now();
    clock.catchUp(ownTimeMs, askedAt);
    if (aheadMs > LEAP_MS)
      this.doubt(`The clock of the store moved ahead by ${Math.round(aheadMs / 1000)} s`);
  }

  /** An operator has vouched for the clock through another process. */
  private async follow(clock: AnchoredClock): Promise<void> {
    const before = clock.now();
    this.doubtedUntil = Number.NEGATIVE_INFINITY;
    this.isUntold = false;
    this.adopt(await this.store.clock.anchor(clock.reading()), clock);
    // Of what this process wrote under the former time, some may still be on its way.
    this.stragglersUntil = clock.monotonic() + STRAGGLERS_MS;
    await this.store.clock.forgetAfter(clock.now());
    const moved = Math.round((clock.now() - before) / 1000);
    this.log.warn(`An operator vouched for the clock: the time of the store moved by ${moved} s.`);
  }

  private adopt(anchor: ClockAnchor, clock: AnchoredClock): void {
    const now = clock.anchorTo(anchor);
    this.edition = anchor.edition;
    this.wallOffsetMs = anchor.wallOffsetMs;
    this.onMoved();
    const { wallMs, monotonicMs, lastSeenAt } = anchor;
    if (isPlausible(wallMs, lastSeenAt)) return;
    // Counted from the anchor, so that each start of a process does not begin the doubt again.
    const agoMs = clock.monotonic() - monotonicMs;
    if (agoMs >= DOUBTED_FOR_MS) return;
    this.doubt(
      "The system clock is behind the store's last instant, or more than a day ahead of it",
      now - agoMs,
    );
  }

  private doubt(why: string, since = this.clock.now()): void {
    this.doubtedUntil = since + DOUBTED_FOR_MS;
    // With a clock of the store's own, each process sees for itself what it says.
    this.isUntold = this.wallOffsetMs !== null;
    this.log.warn(
      `${why}: for ${DOUBTED_FOR_MS / 60_000} minutes nothing is deleted for its age. If the clock is right now, run: nest-sessions clock --trust`,
    );
  }

  private async tell(clock: AnchoredClock): Promise<void> {
    if (!this.isUntold) return;
    const { bootId } = clock.reading();
    const wallOffsetMs = this.wallOffsetMs ?? clock.wallOffsetMs();
    try {
      await this.store.clock.doubt({ until: this.doubtedUntil, bootId, wallOffsetMs });
      this.isUntold = false;
    } catch (error) {
      this.log.debug(`Recording the doubt of the clock failed, retrying: ${describeError(error)}`);
      throw error;
    }
  }
}

function isPlausible(wallMs: number, lastSeenAt: number | null): boolean {
  return lastSeenAt === null || (wallMs >= lastSeenAt - JITTER_MS && wallMs - lastSeenAt < IMPLAUSIBLE_MS);
}
