import { randomFillSync } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, rename, unlink } from 'node:fs/promises';
import type { SessionsError } from '../../../domain/errors.js';
import { FILE_MODE } from '../folders/async-folder.js';
import type { RootPaths } from '../folders/paths.js';
import { isAbsence, unavailable } from '../folders/storage-error.js';

const STEP_BYTES = 1024 * 1024;
const OPEN_UNFINISHED = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A file that holds nothing but room: deleted when the disk is full, so that the store beside it can write again. */
export class Ballast {
  constructor(
    private readonly paths: RootPaths,
    readonly sizeBytes: number,
  ) {}

  /** Whether it is there, whole. Without a size, it counts as there. */
  async isPresent(): Promise<boolean> {
    if (this.sizeBytes === 0) return true;
    try {
      const stat = await lstat(this.paths.ballast);
      return stat.isFile() && stat.size >= this.sizeBytes;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw error;
    }
  }

  async drop(): Promise<void> {
    await unlinkIfFile(this.paths.unfinishedBallast);
    await unlinkIfFile(this.paths.ballast);
  }

  /**
   * Makes it, whole or not at all. Several processes may do so at once: they write the same file. Where it is dropped
   * meanwhile, it is not there in the end.
   */
  async make(): Promise<void> {
    let written = false;
    try {
      await this.write();
      written = true;
      await refuseUnlessFile(this.paths.ballast);
      await rename(this.paths.unfinishedBallast, this.paths.ballast);
    } catch (error) {
      // Made by another process, or dropped while it was made: both took the unfinished one away.
      if (isAbsence(error) && written) return;
      await unlinkIfFile(this.paths.unfinishedBallast);
      throw error;
    }
  }

  private async write(): Promise<void> {
    // Zeros would take no room where the file system compresses.
    const noise = randomFillSync(new Uint8Array(Math.min(STEP_BYTES, this.sizeBytes)));
    const handle = await open(this.paths.unfinishedBallast, OPEN_UNFINISHED, FILE_MODE);
    try {
      // Another name of somebody's file would be written into.
      const { nlink } = await handle.stat();
      if (nlink > 1) throw foreign();
      await handle.chmod(FILE_MODE);
      let written = 0;
      while (written < this.sizeBytes) {
        const step = noise.subarray(0, this.sizeBytes - written);
        // oxlint-disable-next-line no-await-in-loop -- each step goes on where the last one ended
        const { bytesWritten } = await handle.write(step, 0, step.byteLength, written);
        written += bytesWritten;
      }
      await handle.truncate(this.sizeBytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }
}

/** What has the name of the ballast, but is no file or has another name too, was not made by us. */
async function unlinkIfFile(path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (found.isFile() && found.nlink === 1) await unlink(path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

async function refuseUnlessFile(path: string): Promise<void> {
  try {
    if (!(await lstat(path)).isFile()) throw foreign();
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

function foreign(): SessionsError {
  return unavailable('Something else has the name of the ballast in the storage root: move it away.');
}
