// One thing at a time, on purpose: a scan has time, and others need the threads of the file system too.
/* oxlint-disable no-await-in-loop */
import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, opendir, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScannedFile, ScannedFolder } from '../../ports/file-storage.js';
import { Folder } from './folder.js';
import { isOurs, isOwnFolder } from './own-folder.js';
import {
  fileName,
  folderName,
  isShardName,
  linkName,
  parseFileName,
  parseFolderName,
  partName,
  type RootPaths,
} from './paths.js';
import { isAbsence, isSystemError, systemCode } from './storage-error.js';

const BATCH = 256;

/**
 * Lists the files under our names, a session folder or a part of one at a time, each looked at but not opened. What lies
 * beside them is counted, and neither opened nor followed. Stops quietly where the root is gone.
 */
export async function* scanFiles(
  paths: RootPaths,
  isPresent: () => Promise<boolean>,
): AsyncGenerator<ScannedFolder> {
  for (const shard of (await namesIn(paths.sessions)).filter(isShardName)) {
    if (!(await isPresent())) return;
    for (const name of await namesIn(join(paths.sessions, shard))) {
      const sessionId = parseFolderName(shard, name);
      if (sessionId !== null) yield* scanWhatCanBe(paths, sessionId);
    }
  }
}

/** A folder that cannot be read says nothing of the others: what is in it is left alone until it can be. */
async function* scanWhatCanBe(paths: RootPaths, sessionId: string): AsyncGenerator<ScannedFolder> {
  try {
    yield* scanFolder(paths, sessionId);
  } catch (error) {
    if (systemCode(error) === null) throw error;
    yield { sessionId, files: [], foreign: 1 };
  }
}

async function* scanFolder(paths: RootPaths, sessionId: string): AsyncGenerator<ScannedFolder> {
  const path = paths.session(sessionId);
  const folder = await Folder.open(path);
  if (!folder) {
    if (!(await isAbsent(path))) yield { sessionId, files: [], foreign: 1 };
    return;
  }
  try {
    if (await isOwnFolder(paths, folder)) yield* scanEntries(folder, sessionId, (await folder.stat()).dev);
    else yield { sessionId, files: [], foreign: 1 };
  } finally {
    await folder.close();
  }
}

async function* scanEntries(folder: Folder, sessionId: string, dev: bigint): AsyncGenerator<ScannedFolder> {
  let files: ScannedFile[] = [];
  let foreign = 0;
  let batches = 0;
  for await (const { name } of await openNames(folder)) {
    const file = await lookAt(folder, name, dev);
    if (file === 'foreign') foreign += 1;
    else if (file) files.push(file);
    if (files.length + foreign >= BATCH) {
      yield { sessionId, files, foreign };
      files = [];
      foreign = 0;
      batches += 1;
    }
  }
  if (batches === 0 || files.length + foreign > 0) yield { sessionId, files, foreign };
}

/** Deletes a scanned file if it still is what the scan saw; whether it did. */
export async function removeIfSame(paths: RootPaths, sessionId: string, file: ScannedFile): Promise<boolean> {
  const names = file.partial
    ? [partName(file.resourceId)]
    : [fileName(file.resourceId), linkName(file.resourceId)];
  const removed = await Folder.use(paths.session(sessionId), async (folder) => {
    if (!(await isOwnFolder(paths, folder))) return false;
    const { dev } = await folder.stat();
    for (const name of names) {
      const now = await lookAt(folder, Buffer.from(name), dev);
      if (now === null || now === 'foreign' || !isSame(now, file)) continue;
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

function isSame(now: ScannedFile, then: ScannedFile): boolean {
  return now.inode === then.inode && now.changedAt === then.changedAt && now.sizeBytes === then.sizeBytes;
}

/** Deletes the folder of a session if it is empty and has not changed for this long; whether it did. */
export async function removeFolderIfEmpty(
  paths: RootPaths,
  sessionId: string,
  graceMs: number,
): Promise<boolean> {
  const name = folderName(sessionId);
  try {
    const removed = await Folder.use(paths.shard(sessionId), async (shard) => {
      const stat = await lstat(shard.at(name), { bigint: true });
      // The times of files are the machine's own, and so must be the clock they are compared with.
      if (!stat.isDirectory() || !isOurs(stat) || Date.now() - changedAt(stat) < graceMs) return false;
      await rmdir(shard.at(name));
      return true;
    });
    return removed ?? false;
  } catch (error) {
    // EBUSY: something is mounted there.
    if (isAbsence(error) || isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY')) return false;
    throw error;
  }
}

/** What lies under this name: a file of ours, something `foreign`, or nothing any more. */
async function lookAt(folder: Folder, name: Buffer, dev: bigint): Promise<ScannedFile | 'foreign' | null> {
  const parsed = parseFileName(name.toString('latin1'));
  if (!parsed) return 'foreign';
  let stat: BigIntStats;
  try {
    stat = await lstat(folder.at(name.toString('latin1')), { bigint: true });
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
  const { resourceId, partial, linked } = parsed;
  const names = linked ? 2n : 1n;
  if (!stat.isFile() || stat.nlink > names || stat.dev !== dev || !isOurs(stat)) return 'foreign';
  return { resourceId, partial, sizeBytes: Number(stat.size), changedAt: changedAt(stat), inode: stat.ino };
}

function changedAt({ mtimeMs, ctimeMs }: BigIntStats): number {
  return Math.max(Number(mtimeMs), Number(ctimeMs));
}

/** Names as bytes: one that is no UTF-8 would come back as another name. */
async function openNames(folder: Folder): Promise<AsyncIterable<Dirent<Buffer>>> {
  const options = { encoding: 'buffer' as BufferEncoding, bufferSize: BATCH };
  return (await opendir(folder.base, options)) as unknown as AsyncIterable<Dirent<Buffer>>;
}

async function namesIn(path: string): Promise<string[]> {
  const names = await Folder.use(path, (folder) => readdir(folder.base, { encoding: 'buffer' }));
  return (names ?? []).map((name) => name.toString('latin1'));
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    if (isAbsence(error)) return true;
    throw error;
  }
}
