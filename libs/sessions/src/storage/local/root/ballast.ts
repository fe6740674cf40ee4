import { randomFillSync } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, rename, unlink } from 'node:fs/promises';
import type { SessionsError } from '../../../domain/errors.js';
import { FILE_MODE } from '../folders/async-folder.js';
import { datasyncHandle } from '../../durable.js';
import type { RootPaths } from '../folders/paths.js';
import { isAbsence, unavailable } from '../../storage-error.js';

const STEP_BYTES = 1024 * 1024;
const OPEN_UNFINISHED = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A file that only reserves space: deleted when the disk is full, so that the database beside it can write again. */
export class Ballast {
  constructor(
    private readonly paths: RootPaths,
    readonly sizeBytes: number,
  ) {}

  /** Whether the complete ballast exists. A ballast of size 0 counts as existing. */
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
   * Writes the ballast completely or not at all. Processes may call it at the same time: they write the same file. If one
   * drops the ballast meanwhile, it does not exist afterwards.
   */
  async make(): Promise<void> {
    let written = false;
    try {
      await this.write();
      written = true;
      await refuseUnlessFile(this.paths.ballast);
      await rename(this.paths.unfinishedBallast, this.paths.ballast);
    } catch (error) {
      // Another process has finished or dropped the ballast, and the unfinished file with it.
      if (isAbsence(error) && written) return;
      await unlinkIfFile(this.paths.unfinishedBallast);
      throw error;
    }
  }

  private async write(): Promise<void> {
    // A compressing file system would allocate nothing for zeros.
    const noise = randomFillSync(new Uint8Array(Math.min(STEP_BYTES, this.sizeBytes)));
    const handle = await open(this.paths.unfinishedBallast, OPEN_UNFINISHED, FILE_MODE);
    try {
      // A hard link: the write would overwrite another file.
      const { nlink } = await handle.stat();
      if (nlink > 1) throw foreign();
      await handle.chmod(FILE_MODE);
      let written = 0;
      while (written < this.sizeBytes) {
        const step = noise.subarray(0, this.sizeBytes - written);
        // oxlint-disable-next-line no-await-in-loop -- each write continues at the end of the last
        const { bytesWritten } = await handle.write(step, 0, step.byteLength, written);
        written += bytesWritten;
      }
      await handle.truncate(this.sizeBytes);
      await datasyncHandle(handle);
    } finally {
      await handle.close();
    }
  }
}

/** Leaves alone an entry that is no plain file or has a second link: our code did not make it. */
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
  return unavailable('A foreign entry has the name of the ballast file: move it out of the storage root.');
}
