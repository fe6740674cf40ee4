import { lstat, unlink } from 'node:fs/promises';
import type { FileKey } from '../../../ports/storage/file-storage.js';
import type { AsyncFolder } from '../folders/async-folder.js';
import { checkKey, fileName, linkName, partName } from '../folders/paths.js';
import type { SessionFolders } from '../folders/session-folders.js';
import { isAbsence } from '../../storage-error.js';

/** Deletes the file of a key in any state. An entry that is no plain file stays. */
export async function removeFile(folders: SessionFolders, key: FileKey): Promise<void> {
  checkKey(key);
  await folders.use(key.sessionId, async (folder) => {
    // The final name last: a writer may rename the others to it meanwhile.
    await unlinkFile(folder, partName(key.resourceId));
    await unlinkFile(folder, linkName(key.resourceId));
    await unlinkFile(folder, fileName(key.resourceId));
  });
}

/** Deletes only the unfinished file of a key. */
export async function removePart(folders: SessionFolders, key: FileKey): Promise<void> {
  checkKey(key);
  await folders.use(key.sessionId, (folder) => unlinkFile(folder, partName(key.resourceId)));
}

async function unlinkFile(folder: AsyncFolder, name: string): Promise<void> {
  const path = folder.at(name);
  try {
    const found = await lstat(path);
    if (found.isFile()) await unlink(path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}
