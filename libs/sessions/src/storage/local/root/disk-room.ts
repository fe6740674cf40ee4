import { access, constants, statfs } from 'node:fs/promises';
import { SessionsError } from '../../../domain/errors.js';
import type { StorageProblem, StorageRoom } from '../../../ports/storage/storage-root.js';
import type { Ballast } from './ballast.js';
import type { RootPaths } from '../folders/paths.js';
import type { RootGuard } from './root-guard.js';
import { isSystemError, unavailable } from '../../storage-error.js';

/** How long figures are cached: each new file reads them. */
const FRESH_MS = 250;

/** Below these, new bytes are refused. */
export interface DiskFloor {
  readonly freeBytes: number;
  /** Ignored if the file system has no fixed number of inodes. */
  readonly freeInodes: number;
}

interface Disk {
  readonly freeBytes: number;
  readonly totalBytes: number | null;
  readonly freeInodes: number;
  readonly ballast: boolean;
  /** Why new bytes are refused; `null` if they are accepted. */
  readonly refusal: Refusal | null;
}

interface Refusal {
  readonly problem: StorageProblem;
  readonly why: string;
}

const UNKNOWN: Disk = {
  freeBytes: 0,
  totalBytes: null,
  freeInodes: 0,
  ballast: false,
  refusal: { problem: 'unavailable', why: 'Reading the state of the storage disk failed: check the disk.' },
};

const READ_ONLY = 'The storage disk is mounted read-only: find the cause, then remount it read-write.';

/** Reports free space, and whether new bytes are accepted. */
export class DiskRoom {
  private last: { readonly at: number; readonly disk: Promise<Disk> } | null = null;

  constructor(
    private readonly paths: RootPaths,
    private readonly guard: RootGuard,
    private readonly ballast: Ballast,
    private readonly floor: DiskFloor,
  ) {}

  /** Figures are up to 250 ms old, trust is current. If the disk does not answer, new bytes are refused. */
  async look(): Promise<StorageRoom> {
    const { present, trusted, doubt } = await this.guard.look();
    const { refusal, ...disk } = await this.cachedDisk();
    if (doubt !== null) {
      return { ...disk, trusted, refusing: doubt, problem: present ? 'untrusted' : 'missing' };
    }
    return { ...disk, trusted, refusing: refusal?.why ?? null, problem: refusal?.problem ?? null };
  }

  /** Rejects with `STORAGE_FULL` or `STORAGE_UNAVAILABLE` if new bytes are refused. */
  async admit(): Promise<void> {
    const { problem, refusing } = await this.look();
    if (refusing === null) return;
    throw problem === 'full' ? new SessionsError('STORAGE_FULL', refusing) : unavailable(refusing);
  }

  async dropBallast(): Promise<void> {
    await this.guard.assertPresent();
    await this.ballast.drop();
    this.invalidate();
  }

  /** Writes the ballast if it is missing and leaves `freeBytes` above the floor; answers whether it exists now. */
  async restoreBallast(): Promise<boolean> {
    if (!(await this.guard.look()).present) return false;
    if (await this.ballast.isPresent()) return true;
    this.invalidate();
    const { freeBytes } = await this.cachedDisk();
    if (freeBytes - this.ballast.sizeBytes < this.floor.freeBytes) return false;
    try {
      await this.ballast.make();
    } finally {
      this.invalidate();
    }
    return this.ballast.isPresent();
  }

  private invalidate(): void {
    this.last = null;
  }

  private cachedDisk(): Promise<Disk> {
    const now = performance.now();
    if (!this.last || now - this.last.at > FRESH_MS) this.last = { at: now, disk: this.readDisk() };
    return this.last.disk;
  }

  private async readDisk(): Promise<Disk> {
    try {
      const { bavail, blocks, bsize, files, ffree } = await statfs(this.paths.root);
      const freeBytes = bavail * bsize;
      // btrfs and others allocate inodes on demand and report 0.
      const freeInodes = files === 0 ? Number.MAX_SAFE_INTEGER : ffree;
      const ballast = await this.ballast.isPresent();
      const disk = { freeBytes, totalBytes: blocks * bsize, freeInodes, ballast };
      if (await isReadOnly(this.paths.root)) {
        return { ...disk, refusal: { problem: 'read_only', why: READ_ONLY } };
      }
      const shortage = this.shortage(freeBytes, freeInodes, ballast);
      return { ...disk, refusal: shortage === null ? null : { problem: 'full', why: shortage } };
    } catch {
      return UNKNOWN;
    }
  }

  private shortage(freeBytes: number, freeInodes: number, ballast: boolean): string | null {
    if (freeBytes < this.floor.freeBytes)
      return 'The storage disk is nearly full: fewer bytes than minFreeBytes are free.';
    if (freeInodes < this.floor.freeInodes)
      return 'The storage disk is nearly out of inodes: fewer than minFreeInodes are free.';
    if (!ballast)
      return 'The storage disk was full: free space for the ballast (ballastBytes), which cleanup restores.';
    return null;
  }
}

async function isReadOnly(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return false;
  } catch (error) {
    if (isSystemError(error, 'EROFS')) return true;
    throw error;
  }
}
