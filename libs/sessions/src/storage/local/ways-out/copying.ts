import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileKey } from '../../../ports/storage/file-storage.js';
import type { StoredBytes } from '../../../ports/storage/ways-out.js';
import { unlinkIfThere } from '../files/file-removal.js';
import { syncHandle } from '../folders/durable.js';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Copies a stored file to a new one at `path`, durably; answers whether there was one. */
export async function copyFile(
  source: StoredBytes,
  key: FileKey,
  path: string,
  mode: number,
): Promise<boolean> {
  const bytes = await source.read(key);
  if (!bytes) return false;
  try {
    const handle = await open(path, NEW_FILE, mode);
    try {
      await handle.writeFile(bytes);
      // The umask may have removed permissions of the owner.
      await handle.chmod(mode);
      await syncHandle(handle);
    } catch (error) {
      await unlinkIfThere(path);
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } finally {
    bytes.destroy();
  }
}
