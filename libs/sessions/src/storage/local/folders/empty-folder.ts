import { rmdir } from 'node:fs/promises';
import type { Folder } from './folder.js';
import { isAbsence, isSystemError } from './storage-error.js';

/** Deletes the folder of this name if nothing is in it; whether it did. */
export async function removeIfEmpty(parent: Folder, name: string): Promise<boolean> {
  try {
    await rmdir(parent.at(name));
    return true;
  } catch (error) {
    // EBUSY: something is mounted there.
    if (isAbsence(error) || isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY')) return false;
    throw error;
  }
}
