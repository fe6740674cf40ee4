import { constants, existsSync } from 'node:fs';
import { chmod, lstat, mkdir, open, readFile, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, syncNames } from '../../durable.js';
import { isAbsence, isSystemError } from '../../storage-error.js';

export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
/** Of finished files: no program that is given a path of one can change it. */
export const STORED_MODE = 0o400;

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Linux shows open files by number, so a name can be reached through an open folder. */
export const REACHES_THROUGH_OPEN_FOLDERS = process.platform === 'linux' && existsSync('/proc/self/fd');

/**
 * An open folder. Operations on `at(name)` act in this very folder, even if a link has replaced it or one of its parents.
 * (Systems other than Linux have no such path: there, `open` has only checked the folder just before.)
 */
export class AsyncFolder {
  private constructor(
    private readonly handle: FileHandle,
    private readonly path: string,
  ) {}

  /** Opens the folder at this path; `null` if it is missing, or reached only through a link. */
  static async open(path: string): Promise<AsyncFolder | null> {
    let handle: FileHandle;
    try {
      handle = await open(path, OPEN_FOLDER);
    } catch (error) {
      if (isAbsence(error) || isSystemError(error, 'ELOOP')) return null;
      throw error;
    }
    try {
      if (await liesAt(handle, path)) return new AsyncFolder(handle, path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return null;
  }

  /** Opens the folder, calls `work` and closes it; `null` if `open` finds no folder. */
  static async use<T>(path: string, work: (folder: AsyncFolder) => Promise<T>): Promise<T | null> {
    const folder = await AsyncFolder.open(path);
    return folder && folder.during(work);
  }

  /** The same, but rejects with the error of `missing` if `open` finds no folder. */
  static async within<T>(
    path: string,
    missing: () => Error,
    work: (folder: AsyncFolder) => Promise<T>,
  ): Promise<T> {
    const folder = await AsyncFolder.open(path);
    if (!folder) throw missing();
    return folder.during(work);
  }

  /** The path of a name in this folder; valid while the folder is open. */
  at(name: string): string {
    return join(this.base, name);
  }

  /** The path of the folder itself; valid while the folder is open. */
  get base(): string {
    return REACHES_THROUGH_OPEN_FOLDERS ? `/proc/self/fd/${this.handle.fd}` : this.path;
  }

  stat() {
    return this.handle.stat({ bigint: true });
  }

  /** The id of its mount, as a file system may be mounted inside itself. `null` if the system does not report it. */
  async mount(): Promise<string | null> {
    if (!REACHES_THROUGH_OPEN_FOLDERS) return null;
    const about = await readFile(`/proc/self/fdinfo/${this.handle.fd}`, 'latin1');
    return /^mnt_id:\s*(\d+)$/m.exec(about)?.[1] ?? null;
  }

  /** Makes the names in the folder durable. */
  sync(): Promise<void> {
    return syncNames(this.handle);
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private async during<T>(work: (folder: AsyncFolder) => Promise<T>): Promise<T> {
    try {
      return await work(this);
    } finally {
      await this.close();
    }
  }
}

/** Whether the handle is open at exactly this path, with no link in it. A deleted file counts by its former path. */
export async function liesAt(handle: FileHandle, path: string): Promise<boolean> {
  if (!REACHES_THROUGH_OPEN_FOLDERS) return (await realpath(path)) === path;
  const real = await readlink(`/proc/self/fd/${handle.fd}`);
  return real === path || real === `${path} (deleted)`;
}

/**
 * Makes a folder that only our user can enter, whatever the umask; answers whether it was missing. Other processes may
 * delete it while it is empty, so it may be gone again.
 */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, FOLDER_MODE);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    const made = await lstat(path);
    if ((made.mode & 0o777) !== FOLDER_MODE) await chmod(path, FOLDER_MODE);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  return true;
}

/** Makes the folder and its missing parents, durably. */
export async function makeFolders(path: string): Promise<void> {
  try {
    if (!(await makeFolder(path))) return;
  } catch (error) {
    const parent = dirname(path);
    if (!isSystemError(error, 'ENOENT') || parent === path) throw error;
    await makeFolders(parent);
    await makeFolder(path);
  }
  await syncFolder(dirname(path));
}
