import { access, constants, statfs } from 'node:fs/promises';
import { SessionsError } from '../../../domain/errors.js';
import type { StorageProblem, StorageRoom } from '../../../ports/storage-root.js';
import type { Ballast } from './ballast.js';
import type { RootPaths } from '../folders/paths.js';
import type { RootGuard } from './root-guard.js';
import { isSystemError, unavailable } from '../folders/storage-error.js';

/** How long an answer holds: new files ask for it, each. */
const FRESH_MS = 250;

/** Below these, no new bytes are taken. */
export interface DiskFloor {
  readonly freeBytes: number;
  /** Of no effect where the file system has no fixed number of inodes. */
  readonly freeInodes: number;
}

interface Disk {
  readonly freeBytes: number;
  readonly freeInodes: number;
  readonly ballast: boolean;
  /** Why it takes no new bytes; `null` while it does. */
  readonly refusal: Refusal | null;
}

interface Refusal {
  readonly problem: StorageProblem;
  readonly why: string;
}

const UNKNOWN: Disk = {
  freeBytes: 0,
  freeInodes: 0,
  ballast: false,
  refusal: { problem: 'unavailable', why: 'The disk of the storage root cannot be asked.' },
};

const READ_ONLY = 'The disk of the storage root is read-only: look at why, and mount it for writing again.';

/** Tells how much room there is, and whether new bytes are taken. */
export class DiskRoom {
  private last: { readonly at: number; readonly disk: Promise<Disk> } | null = null;

  constructor(
    private readonly paths: RootPaths,
    private readonly guard: RootGuard,
    private readonly ballast: Ballast,
    private readonly floor: DiskFloor,
  ) {}

  /** Figures at most 250 ms old, trust as of now. A disk that cannot be asked takes no new bytes. */
  async look(): Promise<StorageRoom> {
    const { present, trusted, doubt } = await this.guard.look();
    const { refusal, ...disk } = await this.lookAtDisk();
    if (doubt !== null) {
      return { ...disk, trusted, refusing: doubt, problem: present ? 'untrusted' : 'missing' };
    }
    return { ...disk, trusted, refusing: refusal?.why ?? null, problem: refusal?.problem ?? null };
  }

  /** Rejects with `STORAGE_FULL`, or `STORAGE_UNAVAILABLE`, where new bytes are refused. */
  async admit(): Promise<void> {
    const { problem, refusing } = await this.look();
    if (refusing === null) return;
    throw problem === 'full' ? new SessionsError('STORAGE_FULL', refusing) : unavailable(refusing);
  }

  async dropBallast(): Promise<void> {
    await this.guard.assertPresent();
    await this.ballast.drop();
    this.forget();
  }

  /** Makes the ballast if it is missing and leaves the floor untouched; whether it is there now. */
  async restoreBallast(): Promise<boolean> {
    if (!(await this.guard.look()).present) return false;
    if (await this.ballast.isPresent()) return true;
    this.forget();
    const { freeBytes } = await this.lookAtDisk();
    if (freeBytes - this.ballast.sizeBytes < this.floor.freeBytes) return false;
    try {
      await this.ballast.make();
    } finally {
      this.forget();
    }
    return this.ballast.isPresent();
  }

  /** Makes the next look a fresh one. */
  private forget(): void {
    this.last = null;
  }

  private lookAtDisk(): Promise<Disk> {
    const now = performance.now();
    if (!this.last || now - this.last.at > FRESH_MS) this.last = { at: now, disk: this.askDisk() };
    return this.last.disk;
  }

  private async askDisk(): Promise<Disk> {
    try {
      const { bavail, bsize, files, ffree } = await statfs(this.paths.root);
      const freeBytes = bavail * bsize;
      // btrfs and others make inodes as they need them, and report none at all.
      const freeInodes = files === 0 ? Number.MAX_SAFE_INTEGER : ffree;
      const ballast = await this.ballast.isPresent();
      if (await isReadOnly(this.paths.root)) {
        return { freeBytes, freeInodes, ballast, refusal: { problem: 'read_only', why: READ_ONLY } };
      }
      const shortage = this.shortage(freeBytes, freeInodes, ballast);
      return {
        freeBytes,
        freeInodes,
        ballast,
        refusal: shortage === null ? null : { problem: 'full', why: shortage },
      };
    } catch {
      return UNKNOWN;
    }
  }

  private shortage(freeBytes: number, freeInodes: number, ballast: boolean): string | null {
    if (freeBytes < this.floor.freeBytes) return 'The disk is nearly full.';
    if (freeInodes < this.floor.freeInodes) return 'The disk can hold hardly any more files.';
    if (!ballast) return 'The disk was full: no new files until the reserve is restored.';
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
