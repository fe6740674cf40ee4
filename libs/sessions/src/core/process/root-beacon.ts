import type { Clock } from '../../ports/clock.js';
import type { StorageRoot } from '../../ports/storage-root.js';
import { describeError, type Log } from '../watch/log.js';

/** A copy of a storage root that is older than this is told from it. */
const RENEW_MS = 30_000;

/** What this process leaves in its storage root, so that a copy of the root can be told from it. */
export class RootBeacon {
  /** The latest; `null` while there is none. */
  current: string | null = null;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private renewing: Promise<void> | null = null;

  constructor(
    private readonly processId: string,
    private readonly storageRoot: StorageRoot,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Leaves a new one. Where that fails the last one stays: a full disk must not keep a process from cleaning it up. */
  renew(): Promise<void> {
    this.renewing ??= this.leave().finally(() => (this.renewing = null));
    return this.renewing;
  }

  /** The same now and then, and aside: a disk that hangs holds up no heartbeat. */
  renewIfDue(): void {
    if (this.clock.monotonic() - this.renewedAt >= RENEW_MS) void this.renew();
  }

  async withdraw(): Promise<void> {
    await this.renewing;
    await this.storageRoot.beacons.remove(this.processId).catch((error: unknown) => {
      this.log.debug(`The beacon of this process stays in the storage root: ${describeError(error)}`);
    });
  }

  private async leave(): Promise<void> {
    this.renewedAt = this.clock.monotonic();
    try {
      this.current = await this.storageRoot.beacons.leave(this.processId);
    } catch (error) {
      this.log.debug(`No beacon could be left in the storage root: ${describeError(error)}`);
    }
  }
}
