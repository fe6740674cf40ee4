import type { Clock } from '../../ports/clock.js';
import type { StorageRoot } from '../../ports/storage/storage-root.js';
import { describeError, type Log } from '../watch/log.js';

/** Clones of a storage root that are older than this are detected. */
const RENEW_MS = 30_000;

/** The beacon of this process in its storage root: clones of the root do not have it. */
export class RootBeacon {
  /** The latest beacon; `null` until one was left. */
  current: string | null = null;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private renewing: Promise<void> | null = null;

  constructor(
    private readonly processId: string,
    private readonly storageRoot: StorageRoot,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Leaves a new beacon. If that fails the last one stays: a process must start on a full disk to clean it up. */
  renew(): Promise<void> {
    this.renewing ??= this.leave().finally(() => (this.renewing = null));
    return this.renewing;
  }

  /** Does not wait for the renewal: a disk that hangs must not delay heartbeats. */
  renewIfDue(): void {
    if (this.clock.monotonic() - this.renewedAt >= RENEW_MS) void this.renew();
  }

  async withdraw(): Promise<void> {
    await this.renewing;
    await this.storageRoot.beacons.remove(this.processId).catch((error: unknown) => {
      this.log.debug(`Removing the beacon from the storage root failed: ${describeError(error)}`);
    });
  }

  private async leave(): Promise<void> {
    this.renewedAt = this.clock.monotonic();
    try {
      this.current = await this.storageRoot.beacons.leave(this.processId);
    } catch (error) {
      this.log.debug(`Leaving a beacon in the storage root failed: ${describeError(error)}`);
    }
  }
}
