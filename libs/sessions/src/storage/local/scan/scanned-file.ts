import type { BigIntStats } from 'node:fs';
import type { ScannedFile } from '../../../ports/file-storage.js';
import { isOurs } from '../folders/own-folder.js';
import { parseFileName } from '../folders/paths.js';

/**
 * What an entry of a session's folder is, by its name, by what `lstat` says of it and by the device of the folder: a file of
 * ours, or something `foreign`.
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

/** The later of both times: contents changed, or moved. */
export function changedAt({ mtimeMs, ctimeMs }: BigIntStats): number {
  return Math.max(Number(mtimeMs), Number(ctimeMs));
}
