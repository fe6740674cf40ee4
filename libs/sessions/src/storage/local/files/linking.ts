import { link, lstat } from 'node:fs/promises';
import type { FileKey } from '../../../ports/storage/file-storage.js';
import { STORED_MODE } from '../folders/async-folder.js';
import { checkKey, fileName } from '../folders/paths.js';
import type { SessionFolders } from '../folders/session-folders.js';
import { CANNOT_LINK, isAbsence, isSystemError } from '../folders/storage-error.js';

/**
 * Gives a finished file a second name; answers whether it did. A file with two names already, or one that can be written to (its adoption
 * is not complete), is to be copied: whoever has the other name may change its mode or bytes.
 */
export async function linkFile(folders: SessionFolders, key: FileKey, path: string): Promise<boolean> {
  checkKey(key);
  const linked = await folders.use(key.sessionId, async (folder) => {
    try {
      const source = folder.at(fileName(key.resourceId));
      const found = await lstat(source);
      if (!found.isFile() || found.nlink > 1 || (found.mode & 0o777) !== STORED_MODE) return false;
      await link(source, path);
      return true;
    } catch (error) {
      if (isAbsence(error) || isSystemError(error, ...CANNOT_LINK)) return false;
      throw error;
    }
  });
  return linked ?? false;
}
