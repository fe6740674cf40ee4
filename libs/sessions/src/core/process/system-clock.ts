import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Clock, type ClockReading } from '../../ports/clock.js';
import type { FleetGroup } from '../../ports/fleet.js';

/** A wall clock further than this from what the store last saw is not believed at once. */
const IMPLAUSIBLE_MS = 24 * 3600 * 1000;
/** By so much the processes of several machines may differ. */
const JITTER_MS = 2000;

/** What a machine has to tell the time by: see `ClockReading`. */
export interface MachineClocks {
  wallMs(): number;
  monotonicMs(): number;
  bootId(): string;
}

/** What a process knows of its time once it has taken the store's. */
export interface Anchoring {
  /** Whether the wall clock that the time is counted from can be believed enough to delete by it. */
  readonly isPlausible: boolean;
  /** When the anchor was made, by the monotonic clock. */
  readonly anchoredAtMs: number;
}

/**
 * The time of a store: the wall time of its anchor, plus what the machine's monotonic clock says has passed since. All
 * processes on one store agree on it, nobody who sets the wall clock moves it, and it never goes back: a boot whose wall
 * clock is behind goes on from the newest instant that the store has seen.
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

  /** Takes the store's anchor. */
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

/** Where the system does not name its boots, each process is a boot of its own: it anchors itself anew. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return randomUUID();
  }
}
