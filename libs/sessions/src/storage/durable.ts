import { constants, fdatasync, fsync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isSystemError, systemCode } from './storage-error.js';

const byDescriptor = { sync: promisify(fsync), datasync: promisify(fdatasync) };

/** Makes the bytes and the metadata of an open file, or the names in an open folder, durable. */
export function syncHandle(handle: FileHandle): Promise<void> {
  return makeDurable(handle, 'sync');
}

/** Makes the bytes of an open file durable. */
export function datasyncHandle(handle: FileHandle): Promise<void> {
  return makeDurable(handle, 'datasync');
}

/** Makes the names in the folder at this path durable, where the system can. */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folder as a file.
  if (process.platform === 'win32') return;
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    // Another user's folder may allow us to create names, but not to read it.
    if (isSystemError(error, 'EACCES')) return;
    throw error;
  }
  try {
    await syncNames(handle);
  } finally {
    await handle.close();
  }
}

/** The same with an open folder. */
export async function syncNames(folder: FileHandle): Promise<void> {
  try {
    await syncHandle(folder);
  } catch (error) {
    // Some file systems do not support fsync of a folder: nothing can make names more durable there.
    if (!isSystemError(error, 'EINVAL', 'ENOTSUP')) throw error;
  }
}

/** Yarn's Plug'n'Play replaces `fs/promises` by handles whose `sync` and `datasync` only throw: the descriptor is a real one. */
async function makeDurable(handle: FileHandle, method: 'sync' | 'datasync'): Promise<void> {
  try {
    await handle[method]();
  } catch (error) {
    if (systemCode(error) !== null) throw error;
    await byDescriptor[method](handle.fd);
  }
}
