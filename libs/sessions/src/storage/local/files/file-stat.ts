import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { isAbsence } from '../folders/storage-error.js';

/** What is at this path, links not followed; `null` if nothing is. */
export async function statOrNull(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}
