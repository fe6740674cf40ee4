import { lstat, unlink } from 'node:fs/promises';
import type { FileKey } from '../../../ports/file-storage.js';
import type { AsyncFolder } from '../folders/async-folder.js';
import { checkKey, fileName, linkName, partName } from '../folders/paths.js';
import type { SessionFolders } from '../folders/session-folders.js';
import { isAbsence } from '../folders/storage-error.js';

/** Deletes the file of a key, in whatever state. What has its name, but is no file, is left alone. */
export async function removeFile(folders: SessionFolders, key: FileKey): Promise<void> {
  checkKey(key);
  await folders.use(key.sessionId, async (folder) => {
    // The final name last: the others may become it meanwhile.
    await unlinkFile(folder, partName(key.resourceId));
    await unlinkFile(folder, linkName(key.resourceId));
    await unlinkFile(folder, fileName(key.resourceId));
  });
}

/** Deletes the unfinished file of a key alone. */
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

/** Deletes the file at this path; one that is not there is none to delete. */
export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}
