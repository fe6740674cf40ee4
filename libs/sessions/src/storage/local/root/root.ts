import { realpath, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { StoreIdentity } from '../../../ports/store/session-store.js';
import { AsyncFolder, FILE_MODE, makeFolder, makeFolders } from '../folders/async-folder.js';
import { createMarker, readMarker, removeUnfinishedMarkers, type MarkerOnDisk } from './marker.js';
import { GIT_IGNORE_NAME, RootPaths } from '../folders/paths.js';
import { isSystemError } from '../../storage-error.js';
import {
  cannotCreate,
  closeToOthers,
  refuseUnsafe,
  replacedDuringStartup,
  unreadableMarker,
} from './safe-root.js';

const GIT_IGNORE = '# Files of user sessions and their database: git keeps none of them.\n*\n';

/** A root in which files may be kept and deleted. */
export interface PreparedRoot {
  readonly paths: RootPaths;
  readonly marker: MarkerOnDisk;
  /** Whether this call created the marker. */
  readonly fresh: boolean;
}

/** Rejects with `STORAGE_UNSAFE` if files must not be deleted in `root`. Accepts a missing folder like an empty one. */
export async function inspectRoot(root: string, reservedNames: readonly string[]): Promise<void> {
  await refuseUnsafe(resolve(root), reservedNames);
}

/**
 * Creates and marks the folder `root`, or checks its marker. Closes a folder of our user that is open to others, and warns of
 * it. Rejects with `STORAGE_UNSAFE` if files must not be deleted in it: it belongs to another user, contains foreign entries,
 * or is a folder that others use. Processes may call it at the same time.
 */
export async function prepareRoot(
  root: string,
  reservedNames: readonly string[],
  store: StoreIdentity,
  onWarning: (message: string) => void,
): Promise<PreparedRoot> {
  const path = resolve(root);
  if ((await refuseUnsafe(path, reservedNames)) === null) await makeRoot(path);
  const mode = await closeToOthers(path);
  if (mode !== null)
    onWarning(`The storage folder ${path} was open to other users (mode ${mode}): it is 700 now.`);
  const paths = new RootPaths(await realpath(path));
  const prepared = await AsyncFolder.use(paths.root, async (folder) => {
    const isMarked = await refuseUnsafe(path, reservedNames);
    const fresh = !isMarked && (await mark(folder, store));
    await Promise.all([paths.sessions, paths.trash, paths.temp, paths.claims].map(prepareOwn));
    await folder.sync();
    const marker = await readMarker(folder);
    if (marker === null || marker === 'unreadable') throw unreadableMarker(path);
    await removeUnfinishedMarkers(folder);
    return { paths, marker, fresh };
  });
  if (!prepared) throw replacedDuringStartup(path);
  return prepared;
}

async function makeRoot(path: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (error) {
    throw cannotCreate(path, error);
  }
}

/** Answers whether this process did it, and not another one at the same time. */
async function mark(folder: AsyncFolder, store: StoreIdentity): Promise<boolean> {
  await ignoreForGit(folder);
  return createMarker(folder, store);
}

/** Applications keep the folder in their working directory: its files must not get into a repository. */
async function ignoreForGit(folder: AsyncFolder): Promise<void> {
  try {
    await writeFile(folder.at(GIT_IGNORE_NAME), GIT_IGNORE, { flag: 'wx', mode: FILE_MODE });
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
  }
}

async function prepareOwn(path: string): Promise<void> {
  await makeFolder(path);
  await closeToOthers(path);
}
