import { constants } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { syncHandle } from './durable.js';
import { unlinkIfThere } from './names.js';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Creates a file and opens it for writing. Rejects with `EEXIST` if there is one. */
export async function openNew(path: string, mode: number): Promise<FileHandle> {
  const handle = await open(path, NEW_FILE, mode);
  try {
    // The umask may have removed permissions of the owner.
    await handle.chmod(mode);
    return handle;
  } catch (error) {
    await handle.close();
    await unlink(path);
    throw error;
  }
}

/** Writes a new file, durably; leaves none if that fails. */
export async function writeNew(path: string, contents: string | Readable, mode: number): Promise<void> {
  const handle = await openNew(path, mode);
  try {
    await handle.writeFile(contents);
    await syncHandle(handle);
  } catch (error) {
    await unlinkIfThere(path);
    throw error;
  } finally {
    await handle.close();
  }
}
