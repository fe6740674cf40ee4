import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a machine's clocks say, as `shifted-time` reads it. */
export interface MachineTime {
  /** How far the wall clock is off. */
  readonly wallShiftMs: number;
  /** How long it has slept since the boot. */
  readonly sleptMs: number;
  readonly bootId: string;
  /** When this boot began, by the true monotonic clock. */
  readonly bootedAtMs: number;
}

const PRELOAD = fileURLToPath(new URL('shifted-time.ts', import.meta.url));

/** A machine whose clocks can be set, and that can be booted again, for the processes that run in its environment. */
export class Machine {
  private time: MachineTime = {
    wallShiftMs: 0,
    sleptMs: 0,
    bootId: randomUUID(),
    bootedAtMs: 0,
  };
  /** The time that it slept in earlier boots has passed for its wall clock, too. */
  private sleptBeforeMs = 0;
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
    this.write();
  }

  get environment(): Record<string, string> {
    return { NODE_OPTIONS: `--import=${PRELOAD}`, TORTURE_TIME_FILE: this.path };
  }

  setWall(shiftMs: number): void {
    this.time = { ...this.time, wallShiftMs: this.sleptBeforeMs + shiftMs };
    this.write();
  }

  get bootId(): string {
    return this.time.bootId;
  }

  sleep(ms: number): void {
    this.time = { ...this.time, sleptMs: this.time.sleptMs + ms };
    this.write();
  }

  /** Nothing may run on it meanwhile. A minute later, servers start. */
  boot(wallShiftMs: number): void {
    this.sleptBeforeMs += this.time.sleptMs;
    this.time = {
      wallShiftMs: this.sleptBeforeMs + wallShiftMs,
      sleptMs: 0,
      bootId: randomUUID(),
      bootedAtMs: monotonicNow() - 60_000,
    };
    this.write();
  }

  /** The time since its boot, its sleep included. */
  monotonic(): number {
    return monotonicNow() - this.time.bootedAtMs + this.time.sleptMs;
  }

  private write(): void {
    const draft = `${this.path}.draft`;
    writeFileSync(draft, JSON.stringify(this.time));
    renameSync(draft, this.path);
  }
}

function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
