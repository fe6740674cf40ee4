import { constants, existsSync } from 'node:fs';
import { chmod, lstat, mkdir, open, readFile, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAbsence, isSystemError } from './storage-error.js';

export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Where the system shows open files by number, as Linux does, a name can be reached through an open folder. */
export const REACHES_THROUGH_OPEN_FOLDERS = process.platform === 'linux' && existsSync('/proc/self/fd');

/**
 * An open folder. What is done `at` a name in it is done in this very folder, even if a link has taken its place on the
 * way there. (Where the system offers no such path, the folder was at least looked at just before.)
 */
export class AsyncFolder {
  private constructor(
    private readonly handle: FileHandle,
    private readonly path: string,
  ) {}

  /** Opens the folder at this path; `null` where there is none, or only one behind a link. */
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

  /** Opens the folder, does the work in it and closes it; `null` where there is no such folder. */
  static async use<T>(path: string, work: (folder: AsyncFolder) => Promise<T>): Promise<T | null> {
    const folder = await AsyncFolder.open(path);
    if (!folder) return null;
    try {
      return await work(folder);
    } finally {
      await folder.close();
    }
  }

  /** The path of a name in this folder, good while it is open. */
  at(name: string): string {
    return join(this.base, name);
  }

  /** The path of the folder itself, good while it is open. */
  get base(): string {
    return REACHES_THROUGH_OPEN_FOLDERS ? `/proc/self/fd/${this.handle.fd}` : this.path;
  }

  stat() {
    return this.handle.stat({ bigint: true });
  }

  /** Which mount it lies in: one file system may be mounted in itself. `null` where the system does not say. */
  async mount(): Promise<string | null> {
    if (!REACHES_THROUGH_OPEN_FOLDERS) return null;
    const about = await readFile(`/proc/self/fdinfo/${this.handle.fd}`, 'latin1');
    return /^mnt_id:\s*(\d+)$/m.exec(about)?.[1] ?? null;
  }

  /** Makes the names in it durable. */
  sync(): Promise<void> {
    return syncNames(this.handle);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** Whether what is open is what has this path, with no link on the way. Of a file deleted since, whether it was. */
export async function liesAt(handle: FileHandle, path: string): Promise<boolean> {
  if (!REACHES_THROUGH_OPEN_FOLDERS) return (await realpath(path)) === path;
  const real = await readlink(`/proc/self/fd/${handle.fd}`);
  return real === path || real === `${path} (deleted)`;
}

/**
 * Makes a folder that only we can enter, whatever the umask; whether it was missing. Others may delete it while it is
 * empty: it is not said that it is still there.
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

/** The same, with all that are missing above it, and durable. */
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

async function syncFolder(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    // A folder that others own may let us make a name in it, and not read it.
    if (isSystemError(error, 'EACCES')) return;
    throw error;
  }
  try {
    await syncNames(handle);
  } finally {
    await handle.close();
  }
}

async function syncNames(folder: FileHandle): Promise<void> {
  try {
    await folder.sync();
  } catch (error) {
    // Some file systems know no fsync of a folder: there, names are as durable as they get.
    if (!isSystemError(error, 'EINVAL', 'ENOTSUP')) throw error;
  }
}
