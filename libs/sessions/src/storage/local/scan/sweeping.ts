import type { BigIntStats } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import type { ScannedFile } from '../../../ports/storage/file-storage.js';
import { removeIfEmpty } from '../folders/empty-folder.js';
import { AsyncFolder } from '../folders/async-folder.js';
import { isOurs } from '../../names.js';
import { isOwnFolder } from '../folders/own-folder.js';
import { fileName, folderName, linkName, partName, type RootPaths } from '../folders/paths.js';
import { changedAt, scannedFile } from './scanned-file.js';
import { isAbsence } from '../../storage-error.js';

/** Deletes a scanned file if it is unchanged; answers whether it did. */
export async function removeIfSame(paths: RootPaths, file: ScannedFile): Promise<boolean> {
  const names = file.partial
    ? [partName(file.resourceId)]
    : [fileName(file.resourceId), linkName(file.resourceId)];
  const removed = await AsyncFolder.use(paths.session(file.sessionId), async (folder) => {
    if (!(await isOwnFolder(paths, folder))) return false;
    const { dev } = await folder.stat();
    for (const name of names) {
      // oxlint-disable-next-line no-await-in-loop -- in order: the last name may replace the first meanwhile
      if (!(await isStill(folder, name, dev, file))) continue;
      await unlink(folder.at(name));
      return true;
    }
    return false;
  }).catch((error: unknown) => {
    if (isAbsence(error)) return false;
    throw error;
  });
  return removed ?? false;
}

async function isStill(folder: AsyncFolder, name: string, dev: bigint, file: ScannedFile): Promise<boolean> {
  let stat: BigIntStats;
  try {
    stat = await lstat(folder.at(name), { bigint: true });
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
  const now = scannedFile(file.sessionId, name, stat, dev);
  return (
    now !== 'foreign' &&
    now.inode === file.inode &&
    now.changedAt === file.changedAt &&
    now.sizeBytes === file.sizeBytes
  );
}

/** Deletes the folder of a session if it is empty and unchanged for `graceMs`; answers whether it did. */
export async function removeFolderIfEmpty(
  paths: RootPaths,
  sessionId: string,
  graceMs: number,
): Promise<boolean> {
  const name = folderName(sessionId);
  try {
    const removed = await AsyncFolder.use(paths.shard(sessionId), async (shard) => {
      const stat = await lstat(shard.at(name), { bigint: true });
      // The system sets file times, so they are compared with the system clock.
      if (!stat.isDirectory() || !isOurs(stat) || Date.now() - changedAt(stat) < graceMs) return false;
      return removeIfEmpty(shard, name);
    });
    return removed ?? false;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}
