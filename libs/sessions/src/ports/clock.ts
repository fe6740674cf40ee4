/** Where the time comes from. Everything of this package asks it; nothing reads the system's clock beside it. */
export abstract class Clock {
  /** The instant, in epoch milliseconds: the same for all processes on one store, and never set back while one runs. */
  abstract now(): number;

  /** Milliseconds since some fixed point, for measuring spans: unaffected by any change of the wall clock. */
  abstract monotonic(): number;
}

/** What a machine's clocks say at one moment. */
export interface ClockReading {
  readonly wallMs: number;
  /** Since the boot of the machine; comparable between its processes. */
  readonly monotonicMs: number;
  /** Changes with each boot of the machine. */
  readonly bootId: string;
}

/** The moment that a store's time is counted from: its wall time, plus what the monotonic clock says has passed since. */
export interface ClockAnchor extends ClockReading {
  /**
   * The newest instant that the store had seen when this anchor was made. A wall clock far from it, on a new boot, is
   * not to be trusted at once.
   */
  readonly lastSeenAt: number | null;
}
