import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { hasCode } from '../../domain/errors.js';
import type { CleanupJob } from '../../domain/events.js';
import type { Actor } from '../../domain/journal/actor.js';
import type { Clock } from '../../ports/clock.js';
import { LEASE_MS, type Lease } from '../../ports/endings.js';
import type { DiskSpace, FleetGroup, Heartbeat, ProcessLimits, ProcessRole } from '../../ports/fleet.js';
import type { StorageRoot } from '../../ports/storage/storage-root.js';
import { describeError, type Log } from '../watch/log.js';
import { DiskReading } from './disk-reading.js';
import { RootBeacon } from './root-beacon.js';
import { refuseClonedRoot } from './cloned-root-check.js';
import type { TouchBuffer } from './touch-buffer.js';

/** A process without a heartbeat for this long counts as dead. */
export const SILENT_AFTER_MS = 10_000;
const FLUSH_MS = 1000;
const HEARTBEAT_MS = 2000;
const RETURNED_MS = 60_000;

/** Whether a process or node with its last heartbeat at `at` counts as alive. */
export function wasHeardLately(at: number, now: number): boolean {
  return now - at < SILENT_AFTER_MS;
}

/** A process and its current state. */
export interface ProcessState extends Heartbeat {
  readonly isLive: boolean;
  /** Whether it is this process, which is always live. */
  readonly isHere: boolean;
}

/** The fixed facts in a process's heartbeats. */
export interface ProcessFacts {
  readonly role: ProcessRole;
  /** Origin to which other nodes send clients for files of this one. */
  readonly address: string | null;
  /** The ids of the keys that seal its tokens. */
  readonly keyIds: readonly string[];
  readonly version: string;
  readonly limits: ProcessLimits;
}

/** Registers this process at the store: sends heartbeats, and flushes its touches. */
export class ThisProcess {
  readonly id = randomUUID();
  private timer: NodeJS.Timeout | undefined;
  private startedAt: number | null = null;
  private beatAt = Number.NEGATIVE_INFINITY;
  private beating: Promise<void> | null = null;
  private failing = false;
  private isStarted = false;
  /** A heartbeat that comes late: the store may have dropped this process meanwhile. */
  private lateBeat: Promise<void> | null = null;
  private returnedAt = Number.NEGATIVE_INFINITY;
  /** Whether what this process holds is not registered again yet. */
  private owesReturn = false;
  private isReturning = false;
  private restore: () => Promise<void> = async () => {};
  private readonly beacon: RootBeacon;
  private readonly diskReading: DiskReading;

  constructor(
    private readonly fleet: FleetGroup,
    private readonly storageRoot: StorageRoot,
    private readonly touches: TouchBuffer,
    private readonly clock: Clock,
    private readonly self: ProcessFacts,
    private readonly log: Log,
  ) {
    this.beacon = new RootBeacon(this.id, storageRoot, clock, log);
    this.diskReading = new DiskReading(storageRoot, clock);
  }

  get version(): string {
    return this.self.version;
  }

  /** As configured. */
  get limits(): ProcessLimits {
    return this.self.limits;
  }

  /** Its disk as it was in the last 10 s, or when it answered last; `null` for a command, and for files in memory. */
  get disk(): DiskSpace | null {
    return this.diskReading.current;
  }

  /** Whether it serves clients, unlike a command, which is over soon. */
  get isServer(): boolean {
    return this.self.role === 'server';
  }

  /** This process as the one that runs a cleanup job. */
  asActor(job: CleanupJob): Actor {
    return { kind: 'job', job, host: hostname(), pid: process.pid };
  }

  get nodeId(): string {
    return this.storageRoot.id;
  }

  /** A lease of this process on an end or a release that it begins or takes over. */
  lease(): Lease {
    return { processId: this.id, nodeId: this.nodeId, until: this.clock.now() + LEASE_MS };
  }

  /** Starts heartbeats. Rejects with `STORAGE_UNSAFE`, and starts nothing, if the storage root is a clone of one in use. */
  async start(): Promise<void> {
    await Promise.all([this.beacon.renew(), this.isServer && this.diskReading.read()]);
    await this.beat();
    try {
      await refuseClonedRoot(this.storageRoot.beacons, () => this.listNeighbours());
    } catch (error) {
      await this.leave();
      throw error;
    }
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.tick(), FLUSH_MS);
    this.timer.unref();
  }

  /** Flushes touches and drops this process from the store. Does nothing unless it was started. */
  async stop(): Promise<void> {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    await this.beating?.catch(() => {});
    await this.touches.flush(this.clock.now());
    await this.leave();
  }

  /** Renews the beacon now, not only every 30 s. */
  renewBeacon(): Promise<void> {
    return this.beacon.renew();
  }

  private async leave(): Promise<void> {
    await this.beacon.withdraw();
    await this.fleet.dropProcess(this.id, Number.MAX_SAFE_INTEGER);
  }

  /**
   * Has `restore` register again what this process holds, when the store has dropped it as silent; repeated until it succeeds.
   */
  onReturn(restore: () => Promise<void>): void {
    this.restore = restore;
  }

  /** Whether the store dropped this process in the last minute: what it was writing was given up. */
  get hasReturnedLately(): boolean {
    return this.clock.monotonic() - this.returnedAt < RETURNED_MS;
  }

  /** Flushes touches, then sends a heartbeat. */
  async beat(): Promise<void> {
    if (!this.isSilent) return this.sendBeat();
    const late = this.sendBeat();
    this.lateBeat = late;
    try {
      await late;
    } finally {
      if (this.lateBeat === late) this.lateBeat = null;
    }
  }

  /** Whether its last heartbeat is so long ago that others may have dropped it. */
  get isSilent(): boolean {
    return this.clock.monotonic() - this.beatAt >= SILENT_AFTER_MS / 2;
  }

  private async sendBeat(): Promise<void> {
    const now = this.clock.now();
    await this.touches.flush(now);
    this.beatAt = this.clock.monotonic();
    this.startedAt ??= now;
    const wasListed = await this.fleet.heartbeat({
      processId: this.id,
      role: this.self.role,
      host: hostname(),
      pid: process.pid,
      at: now,
      flushedThroughAt: this.touches.flushedThroughAt,
      nodeId: this.nodeId,
      address: this.self.address,
      beacon: this.beacon.current,
      keyIds: this.self.keyIds,
      version: this.self.version,
      startedAt: this.startedAt,
      limits: this.self.limits,
      disk: this.disk,
    });
    if (!wasListed && this.isStarted) {
      this.returnedAt = this.clock.monotonic();
      this.owesReturn = true;
    }
    this.isStarted = true;
    if (this.owesReturn && !this.isReturning) await this.returnFromSilence();
  }

  private async returnFromSilence(): Promise<void> {
    this.isReturning = true;
    try {
      await this.restore();
      this.owesReturn = false;
    } finally {
      this.isReturning = false;
    }
  }

  /**
   * Ensures that the store lists this process before it records anything in its name: others may have dropped it while it
   * was suspended, and nobody would clean up its records if it died then.
   */
  async requireListed(): Promise<void> {
    // What is registered again needs no further heartbeat.
    if (this.isReturning) return;
    await (this.isSilent ? this.beat() : this.lateBeat);
  }

  /** Every process that the store lists. */
  async listProcesses(): Promise<ProcessState[]> {
    const now = this.clock.now();
    return (await this.fleet.listProcesses()).map((beat) => {
      const isHere = beat.processId === this.id;
      return { ...beat, isHere, isLive: isHere || wasHeardLately(beat.at, now) };
    });
  }

  /** The live processes, this one included. */
  async listLive(): Promise<ProcessState[]> {
    return (await this.listProcesses()).filter(({ isLive }) => isLive);
  }

  /** The other live servers. */
  async listOtherServers(): Promise<ProcessState[]> {
    return (await this.listLive()).filter(({ role, isHere }) => role === 'server' && !isHere);
  }

  /** The other live processes on the same node. */
  private async listNeighbours(): Promise<ProcessState[]> {
    const live = await this.listLive();
    return live.filter(({ nodeId, isHere }) => nodeId === this.nodeId && !isHere);
  }

  /** The instant up to which idleness can be judged: all live processes have flushed their touches before it. */
  async idleHorizon(): Promise<number> {
    await this.beat();
    const live = await this.listLive();
    return Math.min(...live.map((beat) => beat.flushedThroughAt), this.clock.now());
  }

  private async tick(): Promise<void> {
    this.beacon.renewIfDue();
    if (this.isServer) this.diskReading.readIfDue();
    const isDue =
      this.touches.size > 0 || this.clock.monotonic() - this.beatAt >= HEARTBEAT_MS - FLUSH_MS / 2;
    if (this.beating || !isDue) return;
    this.beating = this.beat();
    try {
      await this.beating;
      this.failing = false;
    } catch (error) {
      // That a newer version took the store over is told elsewhere.
      if (!this.failing && !hasCode(error, 'STORE_INCOMPATIBLE'))
        this.log.warn(`Flush of touches or heartbeat failed, retrying every second: ${describeError(error)}`);
      this.failing = true;
    } finally {
      this.beating = null;
    }
  }
}
