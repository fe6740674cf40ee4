import type { BigIntStats } from 'node:fs';
import { link, lstat, unlink } from 'node:fs/promises';
import { CANNOT_LINK, isAbsence, isSystemError } from './storage-error.js';

/** What is at this path, links not followed; `null` if nothing is. */
export async function statOrNull(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

/** `missing`: there is no such file. `impossible`: the system has no links, or no more of this file. */
export type Linking = 'made' | 'missing' | 'impossible';

/** Gives a file a further name. */
export async function linkAgain(from: string, to: string): Promise<Linking> {
  try {
    await link(from, to);
    return 'made';
  } catch (error) {
    if (isAbsence(error)) return 'missing';
    if (isSystemError(error, ...CANNOT_LINK)) return 'impossible';
    throw error;
  }
}

export function isOurs({ uid }: BigIntStats): boolean {
  return !process.geteuid || Number(uid) === process.geteuid();
}
