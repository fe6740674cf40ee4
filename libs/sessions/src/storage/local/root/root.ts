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
import { MARKER_NAME, RootPaths } from '../folders/paths.js';
import { isAbsence } from '../folders/storage-error.js';

/** A root in which files may be kept and deleted. */
export interface PreparedRoot {
  readonly paths: RootPaths;
  readonly marker: MarkerOnDisk;
  /** Whether this call created the marker. */
  readonly fresh: boolean;
}

/** Rejects with `STORAGE_UNSAFE` if files must not be deleted in `root`. Accepts a missing folder like an empty one. */
export async function inspectRoot(root: string, reservedNames: readonly string[]): Promise<void> {
  const path = resolve(root);
  await refuseSharedFolders(path);
  const real = await realpathOf(path);
  if (real === null) return refuseDangling(path);
  refuseUnlessOurs(await lstat(path), 'The storage root');
  await refuseSharedFolders(real);
  await AsyncFolder.use(real, (folder) => isMarked(folder, reservedNames));
}

/**
 * Creates and marks the folder `root`, or checks its marker. Rejects with `STORAGE_UNSAFE` if files must not be deleted in
 * it: it belongs to another user, is open to others, or contains foreign entries. Processes may call it at the same time.
 */
export async function prepareRoot(
  root: string,
  reservedNames: readonly string[],
  store: StoreIdentity,
): Promise<PreparedRoot> {
  const path = resolve(root);
  await refuseSharedFolders(path);
  await makeFolders(path);
  refuseUnlessOurs(await lstat(path), 'The storage root');
  const paths = new RootPaths(await realpath(path));
  await refuseSharedFolders(paths.root);

  const prepared = await AsyncFolder.use(paths.root, async (folder) => {
    const fresh = await mark(folder, reservedNames, store);
    await Promise.all([paths.sessions, paths.trash].map(prepareOwn));
    await folder.sync();
    const marker = await readMarker(folder);
    if (marker === null || marker === 'unreadable') throw unsafe(UNREADABLE);
    await removeUnfinishedMarkers(folder);
    return { paths, marker, fresh };
  });
  if (!prepared) throw unsafe('The storage root was replaced during startup: restart the server.');
  return prepared;
}

const SET_OWN_FOLDER = 'set storagePath (SESSION_STORAGE_PATH) to a new, empty folder';
const UNREADABLE = `The marker in the storage root (${MARKER_NAME}) is unreadable: restore it from a backup, or ${SET_OWN_FOLDER}.`;

async function mark(
  folder: AsyncFolder,
  reservedNames: readonly string[],
  store: StoreIdentity,
): Promise<boolean> {
  return (await isMarked(folder, reservedNames)) ? false : createMarker(folder, store);
}

/** Whether the folder has a marker. Rejects with `STORAGE_UNSAFE` if it has none and contains foreign entries. */
async function isMarked(folder: AsyncFolder, reservedNames: readonly string[]): Promise<boolean> {
  const found = await readMarker(folder);
  if (found === 'unreadable') throw unsafe(UNREADABLE);
  if (found) return true;
  if (!(await hasForeignEntries(folder, reservedNames))) return false;
  // Another process may have marked and used the root between our two checks.
  if (await readMarker(folder)) return true;
  throw unsafe(`The storage root is not empty and has no marker: ${SET_OWN_FOLDER}.`);
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

/** A database has companion and temporary files: `sessions.db-wal`, `sessions.db.…`. */
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
  if (stat.isSymbolicLink())
    throw unsafe(`${what} is a symbolic link: set storagePath (SESSION_STORAGE_PATH) to its target.`);
  if (!stat.isDirectory()) throw unsafe(`${what} is not a folder.`);
  if (process.geteuid && stat.uid !== process.geteuid()) {
    throw unsafe(`${what} belongs to another user: chown it to the user of the server process.`);
  }
  if (stat.mode & 0o077) throw unsafe(`${what} is accessible to other users: restrict it (chmod 700).`);
}

async function refuseSharedFolders(path: string): Promise<void> {
  const shared = [
    [parse(path).root, 'the root of the file system'],
    [homedir(), 'the home folder'],
    [process.cwd(), 'the working directory'],
    ...[tmpdir(), '/tmp', '/var/tmp'].map((temporary) => [temporary, 'a folder for temporary files']),
  ] as const;
  await Promise.all(
    shared.map(async ([folder, name]) => {
      if (folder && (path === folder || path === (await realpathOf(folder)))) {
        throw unsafe(`The storage root is ${name}: ${SET_OWN_FOLDER}.`);
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
