import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ExposedEntry } from '../../../ports/storage/storage-root.js';
import { isOurs, statOrNull } from '../../names.js';
import { isAbsence, isSystemError } from '../../storage-error.js';
import { isShardName, parseFileName, parseFolderName, type RootPaths } from '../folders/paths.js';

const OF_OTHERS = 0o077n;
const OF_OWNER = 0o700n;
// Without O_NONBLOCK, a fifo with this name would block a thread forever.
const OPEN_ENTRY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

interface Found extends ExposedEntry {
  readonly path: string;
}

/** Entries with our names below a root that are open to other users, or theirs. Follows no link, changes nothing. */
export async function listExposed(paths: RootPaths, most: number): Promise<ExposedEntry[]> {
  const found: ExposedEntry[] = [];
  for await (const { name, mode, isOurs: ours } of exposedIn(paths)) {
    found.push({ name, mode, isOurs: ours });
    if (found.length >= most) break;
  }
  return found;
}

/** Takes the rights of others from all such entries of our user; answers how many. */
export async function closeExposed(paths: RootPaths): Promise<number> {
  let closed = 0;
  for await (const { path, isOurs: ours } of exposedIn(paths)) if (ours && (await close(path))) closed += 1;
  return closed;
}

async function* exposedIn(paths: RootPaths): AsyncGenerator<Found> {
  for await (const path of entriesOf(paths)) {
    const stat = await statOrNull(path);
    if (stat === null || !(stat.isFile() || stat.isDirectory())) continue;
    const ours = isOurs(stat);
    if (ours && (stat.mode & OF_OTHERS) === 0n) continue;
    const mode = (stat.mode & 0o7777n).toString(8).padStart(4, '0');
    yield { path, name: relative(paths.root, path) || '.', mode, isOurs: ours };
  }
}

async function* entriesOf(paths: RootPaths): AsyncGenerator<string> {
  yield* [paths.root, paths.marker, paths.ballast, paths.unfinishedBallast];
  for (const folder of [paths.sessions, paths.trash, paths.temp, paths.claims, paths.beacons]) yield folder;
  for (const shard of (await namesIn(paths.sessions)).filter(isShardName)) {
    const shardPath = join(paths.sessions, shard);
    yield shardPath;
    for (const folder of await namesIn(shardPath)) {
      if (parseFolderName(shard, folder) === null) continue;
      const folderPath = join(shardPath, folder);
      yield folderPath;
      for (const file of await namesIn(folderPath)) if (parseFileName(file)) yield join(folderPath, file);
    }
  }
}

async function close(path: string): Promise<boolean> {
  try {
    const handle = await open(path, OPEN_ENTRY);
    try {
      const stat = await handle.stat({ bigint: true });
      if (!isOurs(stat)) return false;
      await handle.chmod(Number(stat.mode & OF_OWNER));
      return true;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isAbsence(error) || isSystemError(error, 'ELOOP', 'EACCES', 'EPERM', 'ENXIO')) return false;
    throw error;
  }
}

/** None of a folder that is missing, a link, or another user's. */
async function namesIn(path: string): Promise<string[]> {
  try {
    if ((await statOrNull(path))?.isDirectory() !== true) return [];
    return await readdir(path);
  } catch (error) {
    if (isAbsence(error) || isSystemError(error, 'EACCES', 'ENOTDIR')) return [];
    throw error;
  }
}
