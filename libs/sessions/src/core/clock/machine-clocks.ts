import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/** The clocks of a machine: see `ClockReading`. */
export interface MachineClocks {
  wallMs(): number;
  /** Counted from the boot, without the time that the machine slept. */
  monotonicMs(): number;
  /** Wall time minus monotonic time: cheap to read, and moved by a sleep as well as by a new setting of the wall clock. */
  driftMs(): number;
  /** How long the machine has slept since its boot, at least approximately; 0 if it cannot be told. */
  sleptMs(): number;
  /** See `ClockReading`. */
  bootId(): string;
}

/** What a Linux system says of its boot; `null` for what it does not say. */
export interface BootFacts {
  /** `CLOCK_MONOTONIC`. */
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** From `/proc/uptime`. Some containers replace it by their own age. */
  readonly uptimeMs: number | null;
  /** The wall time of the boot, in whole seconds, from `/proc/stat`. */
  readonly bootedAtMs: number | null;
}

/** `/proc/uptime` may be behind the monotonic clock by this: it has whole hundredths of a second. */
const BEHIND_MS = 1000;
/** Uptime and wall clock may differ by this: the wall time of the boot has whole seconds. */
const APART_MS = 2000;
/** Between two readings of the clocks the wall clock was set if they differ by more. */
const TORN_MS = 50;
const TRIES = 3;

/** How long the machine has slept since its boot: the uptime counts sleep, the monotonic clock does not. */
export function sleepSinceBoot({ monotonicMs, wallMs, uptimeMs, bootedAtMs }: BootFacts): number {
  const sinceBootMs = bootedAtMs === null ? null : wallMs - bootedAtMs;
  if (uptimeMs !== null && sinceBootMs !== null) {
    const isPlausible = uptimeMs - monotonicMs >= -BEHIND_MS && Math.abs(uptimeMs - sinceBootMs) <= APART_MS;
    if (isPlausible) return Math.max(0, uptimeMs - monotonicMs);
  }
  return sinceBootMs === null ? 0 : Math.max(0, sinceBootMs - monotonicMs);
}

export const systemClocks: MachineClocks = {
  wallMs: () => Date.now(),
  monotonicMs,
  driftMs: () => Date.now() - performance.now(),
  sleptMs: () => sleepSinceBoot(readBootFacts()),
  bootId: readBootId,
};

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Reads again if somebody set the wall clock meanwhile: the kernel moves the wall time of the boot along with it. */
function readBootFacts(): BootFacts {
  for (let tries = 1; ; tries += 1) {
    const drift = Date.now() - monotonicMs();
    const bootedAtMs = readNumber('/proc/stat', /^btime (\d+)$/m);
    const uptimeMs = readNumber('/proc/uptime', /^(\d+(?:\.\d+)?) /);
    const facts = { monotonicMs: monotonicMs(), wallMs: Date.now(), uptimeMs, bootedAtMs };
    if (tries === TRIES || Math.abs(facts.wallMs - facts.monotonicMs - drift) < TORN_MS) return facts;
  }
}

/** In milliseconds; `null` if the file is missing or says something else. */
function readNumber(path: string, pattern: RegExp): number | null {
  const [, seconds] = pattern.exec(read(path) ?? '') ?? [];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

/** Systems without boot ids get one for each process, which makes a new anchor. */
function readBootId(): string {
  const bootId = read('/proc/sys/kernel/random/boot_id')?.trim() ?? randomUUID();
  return `${bootId} ${readTimeNamespace()}`.trim();
}

function readTimeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time');
  } catch {
    return '';
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
