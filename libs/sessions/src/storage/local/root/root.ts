import type { Stats } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { parse, resolve } from 'node:path';
import { SessionsError } from '../../../domain/errors.js';
import type { StoreIdentity } from '../../../ports/session-store.js';
import { AsyncFolder, makeFolder, makeFolders } from '../folders/async-folder.js';
import {
  createMarker,
  isUnfinishedMarker,
  readMarker,
  removeUnfinishedMarkers,
  type MarkerOnDisk,
} from './marker.js';
import { RootPaths } from '../folders/paths.js';
import { isAbsence } from '../folders/storage-error.js';

/** A root that is fit to keep files in, and to delete them from. */
export interface PreparedRoot {
  readonly paths: RootPaths;
  readonly marker: MarkerOnDisk;
  /** Whether it was made just now. */
  readonly fresh: boolean;
}

/** `STORAGE_UNSAFE` where what is at `root` is no place to delete files in. Nothing there is as good as an empty folder. */
export async function inspectRoot(root: string, reservedNames: readonly string[]): Promise<void> {
  const path = resolve(root);
  await refuseSharedPlaces(path);
  const place = await realpathOf(path);
  if (place === null) return refuseDangling(path);
  refuseUnlessOurs(await lstat(path), 'The storage root');
  await refuseSharedPlaces(place);
  await AsyncFolder.use(place, (folder) => isMarked(folder, reservedNames));
}

/**
 * Makes the folder at `root` ours, or finds that it is. `STORAGE_UNSAFE` where it is no place to delete files in: somebody
 * else's, open to others, or holding what is not ours. Several processes may do so at once.
 */
export async function prepareRoot(
  root: string,
  reservedNames: readonly string[],
  store: StoreIdentity,
): Promise<PreparedRoot> {
  const path = resolve(root);
  await refuseSharedPlaces(path);
  await makeFolders(path);
  refuseUnlessOurs(await lstat(path), 'The storage root');
  const paths = new RootPaths(await realpath(path));
  await refuseSharedPlaces(paths.root);

  const prepared = await AsyncFolder.use(paths.root, async (folder) => {
    const fresh = await mark(folder, reservedNames, store);
    await Promise.all([paths.sessions, paths.trash].map(prepareOwn));
    await folder.sync();
    const marker = await readMarker(folder);
    if (marker === null || marker === 'unreadable') throw unsafe(UNREADABLE);
    await removeUnfinishedMarkers(folder);
    return { paths, marker, fresh };
  });
  if (!prepared) throw unsafe('The storage root was replaced while it was being prepared: start again.');
  return prepared;
}

const UNREADABLE =
  'The marker in the storage root cannot be read: put it back from a backup, or give the storage a new, empty folder.';

async function mark(
  folder: AsyncFolder,
  reservedNames: readonly string[],
  store: StoreIdentity,
): Promise<boolean> {
  return (await isMarked(folder, reservedNames)) ? false : createMarker(folder, store);
}

/** Whether it is ours already. `STORAGE_UNSAFE` where it is not, and must not become it. */
async function isMarked(folder: AsyncFolder, reservedNames: readonly string[]): Promise<boolean> {
  const found = await readMarker(folder);
  if (found === 'unreadable') throw unsafe(UNREADABLE);
  if (found) return true;
  if (!(await hasForeignEntries(folder, reservedNames))) return false;
  // Another process may have marked the root, and begun to use it, between our two looks.
  if (await readMarker(folder)) return true;
  throw unsafe('The storage root has no marker, and is not empty: give the storage a folder of its own.');
}

async function refuseDangling(path: string): Promise<void> {
  try {
    refuseUnlessOurs(await lstat(path), 'The storage root');
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

async function hasForeignEntries(folder: AsyncFolder, reservedNames: readonly string[]): Promise<boolean> {
  const names = await readdir(folder.base);
  return names.some((name) => !isReserved(name, reservedNames) && !isUnfinishedMarker(name));
}

/** A store's database has companions, and drafts of itself: `sessions.db-wal`, `sessions.db.…`. */
function isReserved(name: string, reservedNames: readonly string[]): boolean {
  return reservedNames.some(
    (reserved) => name === reserved || name.startsWith(`${reserved}-`) || name.startsWith(`${reserved}.`),
  );
}

async function prepareOwn(path: string): Promise<void> {
  await makeFolder(path);
  refuseUnlessOurs(await lstat(path), 'A folder in the storage root');
}

function refuseUnlessOurs(stat: Stats, what: string): void {
  if (stat.isSymbolicLink()) throw unsafe(`${what} is a symbolic link: name the folder itself.`);
  if (!stat.isDirectory()) throw unsafe(`${what} is not a folder.`);
  if (process.geteuid && stat.uid !== process.geteuid()) {
    throw unsafe(`${what} belongs to another user: give it to the user that the server runs as (chown).`);
  }
  if (stat.mode & 0o077) throw unsafe(`${what} is open to other users: close it to them (chmod 700).`);
}

async function refuseSharedPlaces(path: string): Promise<void> {
  const places = [
    [parse(path).root, 'the root of the file system'],
    [homedir(), 'the home folder'],
    [process.cwd(), 'the working directory'],
    ...[tmpdir(), '/tmp', '/var/tmp'].map((temporary) => [temporary, 'a folder for temporary files']),
  ] as const;
  await Promise.all(
    places.map(async ([place, name]) => {
      if (place && (path === place || path === (await realpathOf(place)))) {
        throw unsafe(`The storage root is ${name}: give the storage a folder of its own.`);
      }
    }),
  );
}

async function realpathOf(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

function unsafe(message: string): SessionsError {
  return new SessionsError('STORAGE_UNSAFE', message);
}
