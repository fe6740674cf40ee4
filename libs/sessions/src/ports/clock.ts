/** The source of time. No code of this package reads the system's clock instead. */
export abstract class Clock {
  /**
   * Now, in epoch milliseconds: the same for all processes on one store. It never falls while a process runs, except when an
   * operator puts the store's time right (see `ClockGroup.trust`).
   */
  abstract now(): number;

  /**
   * Milliseconds since a fixed point, for measuring durations, including the time that the machine slept: changes of the
   * wall clock do not affect it.
   */
  abstract monotonic(): number;
}

/** A machine's clocks, read at one moment. */
export interface ClockReading {
  readonly wallMs: number;
  /** Counted from the boot of the machine, including sleep; comparable between processes with the same `bootId`. */
  readonly monotonicMs: number;
  /** Changes with each boot of the machine, and differs between time namespaces, which have monotonic clocks of their own. */
  readonly bootId: string;
}

/** The moment that a store's time is counted from: now is its wall time plus the monotonic time passed since. */
export interface ClockAnchor extends ClockReading {
  /**
   * The newest instant that the store had seen when this anchor was made; `null` for none. A wall clock far from it, on
   * a new boot, is not trusted at once.
   */
  readonly lastSeenAt: number | null;
  /**
   * Wall time minus monotonic time, as `doubt` last recorded it for this `bootId`, else that of the anchor. `null` if the
   * store has its own clock: then the wall clocks of machines do not matter.
   */
  readonly wallOffsetMs: number | null;
  /** As in `ClockState`. */
  readonly edition: number;
}

export interface ClockState {
  /** Counts the calls of `trust`: processes whose anchor has another edition take a new one. */
  readonly edition: number;
  /** Nothing is deleted for its age before this instant; `null` if no process ever doubted the clock, or since `trust`. */
  readonly doubtedUntil: number | null;
  /** The store's own clock, in epoch milliseconds; `null` if it has none. */
  readonly ownTimeMs: number | null;
}

export interface ClockDoubt {
  readonly until: number;
  readonly bootId: string;
  readonly wallOffsetMs: number;
}

/** What the processes on a store must agree on to have one time, and to doubt or trust it together. */
export abstract class ClockGroup {
  /**
   * The anchor of this boot: the stored one for its `bootId`, or `reading`, which is stored then. A store with its own clock
   * answers its wall time at the moment of `reading`, for any boot.
   */
  abstract anchor(reading: ClockReading): Promise<ClockAnchor>;

  abstract read(): Promise<ClockState>;

  /** Records a doubt for all processes: `doubtedUntil` becomes `until`, unless it is later already. */
  abstract doubt(doubt: ClockDoubt): Promise<void>;

  /**
   * An operator vouches for the clock: ends every doubt, begins a new edition, does `forgetAfter` the wall time of `reading`
   * (or the store's own time), and drops all anchors but that of `reading`, which it answers.
   */
  abstract trust(reading: ClockReading): Promise<ClockAnchor>;

  /**
   * No instant of a session, process, node or job, no lease, and no attempt to place an overdrawn file lies after `at` when it
   * resolves: they become `at`. A session that was opened or used later expires at `at`. Leases may last a minute from `at`.
   */
  abstract forgetAfter(at: number): Promise<void>;
}
