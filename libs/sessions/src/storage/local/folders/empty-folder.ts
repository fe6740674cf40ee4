import { rmdir } from 'node:fs/promises';
import type { AsyncFolder } from './async-folder.js';
import { isAbsence, isSystemError } from '../../storage-error.js';

/** Deletes the folder of this name if it is empty; answers whether it did. */
export async function removeIfEmpty(parent: AsyncFolder, name: string): Promise<boolean> {
  try {
    await rmdir(parent.at(name));
    return true;
  } catch (error) {
    // EBUSY: something is mounted there.
    if (isAbsence(error) || isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY')) return false;
    throw error;
  }
}
