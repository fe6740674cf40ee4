import type { BigIntStats } from 'node:fs';
import type { ScannedFile } from '../../../ports/storage/file-storage.js';
import { isOurs } from '../../names.js';
import { parseFileName } from '../folders/paths.js';

/**
 * Classifies an entry of a session folder by its name, its `lstat` and the device of the folder: a file of ours, or
 * `foreign`.
 */
export function scannedFile(
  sessionId: string,
  name: string,
  stat: BigIntStats,
  dev: bigint,
): ScannedFile | 'foreign' {
  const parsed = parseFileName(name);
  if (!parsed) return 'foreign';
  const { resourceId, partial, linked } = parsed;
  const names = linked ? 2n : 1n;
  if (!stat.isFile() || stat.nlink > names || stat.dev !== dev || !isOurs(stat)) return 'foreign';
  const { size, ino } = stat;
  return { sessionId, resourceId, partial, sizeBytes: Number(size), changedAt: changedAt(stat), inode: ino };
}

/** The later of mtime (contents changed) and ctime (also renamed). */
export function changedAt({ mtimeMs, ctimeMs }: BigIntStats): number {
  return Math.max(Number(mtimeMs), Number(ctimeMs));
}
