import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Clock, type ClockReading } from '../../ports/clock.js';
import type { FleetGroup } from '../../ports/fleet.js';

/** A wall clock further than this ahead of the store's last instant is not trusted at once. */
const IMPLAUSIBLE_MS = 24 * 3600 * 1000;
/** Clocks of several machines may differ this much. */
const JITTER_MS = 2000;

/** The clocks of a machine: see `ClockReading`. */
export interface MachineClocks {
  wallMs(): number;
  monotonicMs(): number;
  bootId(): string;
}

/** The result of adopting a store's anchor. */
export interface Anchoring {
  /** Whether the wall clock of the anchor can be trusted for deletions. */
  readonly isPlausible: boolean;
  /** When the anchor was made, in monotonic milliseconds. */
  readonly anchoredAtMs: number;
}

/**
 * The time of a store: the wall time of its anchor plus the monotonic time passed since. All processes on one store agree
 * on it, setting the wall clock does not change it, and it never goes back: after a boot with the wall clock behind, it
 * continues from the newest instant that the store has seen.
 */
export class AnchoredClock extends Clock {
  private offsetMs: number;

  constructor(private readonly machine: MachineClocks = systemClocks) {
    super();
    this.offsetMs = machine.wallMs() - machine.monotonicMs();
  }

  now(): number {
    return Math.round(this.offsetMs + this.monotonic());
  }

  monotonic(): number {
    return this.machine.monotonicMs();
  }

  /** Adopts the store's anchor. */
  async anchorTo(fleet: FleetGroup): Promise<Anchoring> {
    const { wallMs, monotonicMs, lastSeenAt } = await fleet.anchorClock(this.read());
    this.offsetMs = Math.max(wallMs, lastSeenAt ?? wallMs) - monotonicMs;
    return { isPlausible: isPlausible(wallMs, lastSeenAt), anchoredAtMs: monotonicMs };
  }

  private read(): ClockReading {
    const { machine } = this;
    return { wallMs: machine.wallMs(), monotonicMs: machine.monotonicMs(), bootId: machine.bootId() };
  }
}

function isPlausible(wallMs: number, lastSeenAt: number | null): boolean {
  return lastSeenAt === null || (wallMs >= lastSeenAt - JITTER_MS && wallMs - lastSeenAt < IMPLAUSIBLE_MS);
}

const systemClocks: MachineClocks = {
  wallMs: () => Date.now(),
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  bootId: readBootId,
};

/** Systems without boot ids get one for each process, which makes a new anchor. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return randomUUID();
  }
}
