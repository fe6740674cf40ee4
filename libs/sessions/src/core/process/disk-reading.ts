import type { Clock } from '../../ports/clock.js';
import type { DiskSpace } from '../../ports/fleet.js';
import type { StorageRoot } from '../../ports/storage/storage-root.js';

const READ_MS = 10_000;

/** The space of this process's storage disk, read every 10 s and never waited for: a disk that hangs must not delay heartbeats. */
export class DiskReading {
  /** The latest answer of the disk; `null` before the first, and for files in memory. */
  current: DiskSpace | null = null;
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | null = null;

  constructor(
    private readonly storageRoot: StorageRoot,
    private readonly clock: Clock,
  ) {}

  /** Reads it now; a call during a reading shares it. Never rejects: without an answer the last one stays. */
  read(): Promise<void> {
    this.reading ??= this.ask().finally(() => (this.reading = null));
    return this.reading;
  }

  readIfDue(): void {
    if (this.clock.monotonic() - this.readAt >= READ_MS) void this.read();
  }

  private async ask(): Promise<void> {
    this.readAt = this.clock.monotonic();
    const room = await this.storageRoot.room().catch(() => null);
    if (room === null || room.totalBytes === null) return;
    const { freeBytes, totalBytes, freeInodes } = room;
    this.current = {
      freeBytes,
      totalBytes,
      freeInodes: freeInodes === Number.MAX_SAFE_INTEGER ? null : freeInodes,
    };
  }
}
