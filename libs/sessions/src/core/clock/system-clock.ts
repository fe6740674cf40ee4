import { Clock, type ClockAnchor, type ClockReading } from '../../ports/clock.js';
import { systemClocks, type MachineClocks } from './machine-clocks.js';

/** A shorter sleep counts as none: the readings that it is computed from have whole seconds. */
const SHORTEST_SLEEP_MS = 2000;
/** The wall clock has moved against the monotonic one: somebody set it, or the machine slept. */
const MOVED_MS = 50;

/**
 * The time of a store: the wall time of its anchor plus the time passed since, sleep of the machine included. All processes
 * on one store agree on it, and setting the wall clock does not change it. It falls only with a new anchor: after a boot with
 * the wall clock behind, it continues from the newest instant that the store has seen.
 */
export class AnchoredClock extends Clock {
  private offsetMs: number;
  private sleptMs = 0;
  private driftMs = 0;

  constructor(private readonly machine: MachineClocks = systemClocks) {
    super();
    this.observe();
    this.offsetMs = machine.wallMs() - this.elapsed();
  }

  now(): number {
    return Math.round(this.offsetMs + this.monotonic());
  }

  monotonic(): number {
    // So that the first request after a wake-up sees the gap.
    if (Math.abs(this.machine.driftMs() - this.driftMs) > MOVED_MS) this.observe();
    return this.elapsed();
  }

  /** The system's own clock. */
  wallMs(): number {
    return this.machine.wallMs();
  }

  /** Wall time minus monotonic time: neither sleep nor the passing of time changes it, a new setting of the wall clock does. */
  wallOffsetMs(): number {
    const monotonicMs = this.monotonic();
    return this.machine.wallMs() - monotonicMs;
  }

  /** Reads how long the machine slept. The system is asked each time, which costs some file reads. */
  observe(): void {
    this.driftMs = this.machine.driftMs();
    const slept = this.machine.sleptMs();
    if (slept >= SHORTEST_SLEEP_MS) this.sleptMs = Math.max(this.sleptMs, slept);
  }

  reading(): ClockReading {
    const monotonicMs = this.monotonic();
    return { wallMs: this.machine.wallMs(), monotonicMs, bootId: this.machine.bootId() };
  }

  /** Counts from this anchor; answers now. */
  anchorTo({ wallMs, monotonicMs, lastSeenAt }: ClockAnchor): number {
    this.offsetMs = Math.max(wallMs, lastSeenAt ?? wallMs) - monotonicMs;
    return this.now();
  }

  /** Moves forward to `instant`, which was now at `monotonicMs`. */
  catchUp(instant: number, monotonicMs: number): void {
    this.offsetMs = Math.max(this.offsetMs, instant - monotonicMs);
  }

  private elapsed(): number {
    return this.machine.monotonicMs() + this.sleptMs;
  }
}
