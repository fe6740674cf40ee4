import type { BigIntStats } from 'node:fs';
import { link, lstat } from 'node:fs/promises';
import type { FileKey } from '../../../ports/storage/file-storage.js';
import { STORED_MODE } from '../folders/async-folder.js';
import { checkKey, fileName } from '../folders/paths.js';
import type { SessionFolders } from '../folders/session-folders.js';
import { CANNOT_LINK, isAbsence, isSystemError } from '../../storage-error.js';
import { unlinkIfThere } from '../../names.js';

/**
 * Gives a finished file a second name; answers whether it did. A file with two names already, or one that can be written to (its adoption
 * is not complete), is to be copied: whoever has the other name may change its mode or bytes.
 */
export async function linkFile(folders: SessionFolders, key: FileKey, path: string): Promise<boolean> {
  checkKey(key);
  const linked = await folders.use(key.sessionId, async (folder) => {
    const source = folder.at(fileName(key.resourceId));
    try {
      if (!isUnchangeable(await lstat(source, { bigint: true }), 1n)) return false;
      await link(source, path);
    } catch (error) {
      if (isAbsence(error) || isSystemError(error, ...CANNOT_LINK)) return false;
      throw error;
    }
    return keepIfAlone(source, path);
  });
  return linked ?? false;
}

/** Others may have linked the file since it was looked at: of all who see a third name none keeps theirs. */
async function keepIfAlone(source: string, path: string): Promise<boolean> {
  let isAlone = false;
  try {
    isAlone = await areOnlyNames(source, path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  } finally {
    if (!isAlone) await unlinkIfThere(path);
  }
  return isAlone;
}

async function areOnlyNames(source: string, path: string): Promise<boolean> {
  const linked = await lstat(path, { bigint: true });
  const stored = await lstat(source, { bigint: true });
  return linked.ino === stored.ino && linked.dev === stored.dev && isUnchangeable(stored, 2n);
}

function isUnchangeable(file: BigIntStats, names: bigint): boolean {
  return file.isFile() && file.nlink === names && (Number(file.mode) & 0o777) === STORED_MODE;
}
