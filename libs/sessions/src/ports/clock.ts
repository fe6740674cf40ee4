/** The source of time. No code of this package reads the system's clock instead. */
export abstract class Clock {
  /** Now, in epoch milliseconds: the same for all processes on one store, and never set back while a process runs. */
  abstract now(): number;

  /** Milliseconds since a fixed point, for measuring durations: changes of the wall clock do not affect it. */
  abstract monotonic(): number;
}

/** A machine's clocks, read at one moment. */
export interface ClockReading {
  readonly wallMs: number;
  /** Counted from the boot of the machine; comparable between its processes. */
  readonly monotonicMs: number;
  /** Changes with each boot of the machine. */
  readonly bootId: string;
}

/** The moment that a store's time is counted from: now is its wall time plus the monotonic time passed since. */
export interface ClockAnchor extends ClockReading {
  /**
   * The newest instant that the store had seen when this anchor was made; `null` for none. A wall clock far from it, on
   * a new boot, is not trusted at once.
   */
  readonly lastSeenAt: number | null;
}
