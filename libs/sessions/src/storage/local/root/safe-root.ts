import type { Stats } from 'node:fs';
import { chmod, lstat, readdir, realpath } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { SessionsError } from '../../../domain/errors.js';
import { AsyncFolder, FOLDER_MODE } from '../folders/async-folder.js';
import { isAbsence, isSystemError } from '../../storage-error.js';
import { isUnfinishedMarker, readMarker } from './marker.js';
import { GIT_IGNORE_NAME, MARKER_NAME } from '../folders/paths.js';

const SETTING = 'storagePath (SESSION_STORAGE_PATH)';
const OTHERS = 0o077;
const SHARED_WITH_ALL = 0o1002;
/** Folders of the system that other programs expect as they are, even if they are empty. */
const SYSTEM_FOLDERS = ['/boot', '/home', '/media', '/mnt', '/opt', '/srv'];

/**
 * Rejects with `STORAGE_UNSAFE` if files must not be kept, or deleted, in the folder `path`; changes nothing. Resolves to
 * whether it has a marker, or to `null` if there is no such folder.
 */
export async function refuseUnsafe(path: string, reservedNames: readonly string[]): Promise<boolean | null> {
  await refuseKnownFolders(path, path);
  const stat = await lstatOrNull(path);
  if (stat === null) return null;
  refuseUnlessFolder(path, stat);
  const real = await realpath(path);
  await refuseKnownFolders(path, real);
  // Files of others come first: no advice about the folder itself may follow for one that is in use already.
  const isMarked = await findMarker(path, real, stat, reservedNames);
  if (!isOurs(stat)) throw ofAnotherUser(path, stat, isMarked);
  if ((stat.mode & SHARED_WITH_ALL) === SHARED_WITH_ALL) {
    throw unsafe(path, 'is a shared folder for temporary files', folderIn(path));
  }
  return isMarked;
}

/**
 * Closes a folder of our user to all others, if it is open to them, as volumes of Kubernetes are at each mount; answers the mode
 * that it had, or `null` if it was closed. Rejects with `STORAGE_UNSAFE` where that is impossible.
 */
export async function closeToOthers(path: string): Promise<string | null> {
  const stat = await lstat(path);
  refuseUnlessFolder(path, stat);
  if (!isOurs(stat)) throw ofAnotherUser(path, stat, true);
  if ((stat.mode & OTHERS) === 0) return null;
  await chmod(path, FOLDER_MODE).catch(() => {});
  const mode = (stat.mode & 0o7777).toString(8);
  if (((await lstat(path)).mode & OTHERS) === 0) return mode;
  throw unsafe(
    path,
    `is accessible to other users (mode ${mode}), and its file system refuses to change that`,
    `set ${SETTING} to a folder on a local disk`,
  );
}

export function unreadableMarker(path: string): SessionsError {
  return unsafe(
    path,
    `has an unreadable marker (${MARKER_NAME})`,
    `restore it from a backup, or set ${SETTING} to a new, empty folder`,
  );
}

export function replacedDuringStartup(path: string): SessionsError {
  return unsafe(path, 'was replaced during startup', 'restart the server');
}

/** A folder that could not be created: names the path and the setting. */
export function cannotCreate(path: string, cause: unknown): unknown {
  if (!isSystemError(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR')) return cause;
  const message = `The storage folder ${path} cannot be created (${(cause as NodeJS.ErrnoException).code}): set ${SETTING} to a folder that ${me()} may create.`;
  return new SessionsError('STORAGE_UNSAFE', message, { cause });
}

async function findMarker(
  path: string,
  real: string,
  stat: Stats,
  reservedNames: readonly string[],
): Promise<boolean> {
  try {
    const found = await AsyncFolder.use(real, (folder) => isMarked(path, folder, reservedNames));
    if (found === null) throw replacedDuringStartup(path);
    return found;
  } catch (error) {
    // Only its own user may look: somebody uses it.
    if (isSystemError(error, 'EACCES') && !isOurs(stat)) return true;
    throw error;
  }
}

/** Whether the folder has a marker. Rejects with `STORAGE_UNSAFE` if it has none and contains foreign entries. */
async function isMarked(
  path: string,
  folder: AsyncFolder,
  reservedNames: readonly string[],
): Promise<boolean> {
  const found = await readMarker(folder);
  if (found === 'unreadable') throw unreadableMarker(path);
  if (found) return true;
  if (!(await hasForeignEntries(folder, reservedNames))) return false;
  // Another process may have marked and used the root between our two checks.
  if (await readMarker(folder)) return true;
  throw unsafe(path, 'is not empty and has no marker of nest-sessions');
}

async function hasForeignEntries(folder: AsyncFolder, reservedNames: readonly string[]): Promise<boolean> {
  const names = await readdir(folder.base);
  const foreign = names.filter(
    (name) => name !== GIT_IGNORE_NAME && !isReserved(name, reservedNames) && !isUnfinishedMarker(name),
  );
  if (foreign.length === 1 && foreign[0] === 'lost+found')
    return !(await isOfSystem(folder.at('lost+found')));
  return foreign.length > 0;
}

/** The system makes the folder `lost+found` in the top folder of each ext file system. */
async function isOfSystem(path: string): Promise<boolean> {
  const stat = await lstatOrNull(path);
  return stat === null || (stat.isDirectory() && stat.uid === 0);
}

/** A database has companion and temporary files: `sessions.db-wal`, `sessions.db.…`. */
function isReserved(name: string, reservedNames: readonly string[]): boolean {
  return reservedNames.some(
    (reserved) => name === reserved || name.startsWith(`${reserved}-`) || name.startsWith(`${reserved}.`),
  );
}

function refuseUnlessFolder(path: string, stat: Stats): void {
  if (stat.isSymbolicLink()) throw unsafe(path, 'is a symbolic link', `set ${SETTING} to its target`);
  if (!stat.isDirectory()) throw unsafe(path, 'is not a folder');
}

function isOurs({ uid }: Stats): boolean {
  return !process.geteuid || uid === process.geteuid();
}

/** A folder in use needs its user; an unused one, such as the top folder of a volume, can have a folder of ours in it. */
function ofAnotherUser(path: string, { uid }: Stats, isUsed: boolean): SessionsError {
  const what = `belongs to another user (id ${uid}), and this process runs as ${me()}`;
  return unsafe(path, what, isUsed ? `run it as user id ${uid}` : folderIn(path));
}

function folderIn(path: string): string {
  return `set ${SETTING} to a folder in it, such as ${join(path, 'sessions')}, which the server creates`;
}

function me(): string {
  return process.geteuid ? `user id ${process.geteuid()}` : 'this user';
}

async function refuseKnownFolders(path: string, real: string): Promise<void> {
  const known = [
    [parse(real).root, 'the root of the file system'],
    [homeFolder(), 'the home folder'],
    [process.cwd(), 'the working directory'],
    ...[tmpdir(), '/tmp', '/var/tmp', '/dev/shm'].map((folder) => [folder, 'a folder for temporary files']),
    ...SYSTEM_FOLDERS.map((folder) => [folder, 'a folder of the system']),
  ] as const;
  await Promise.all(
    known.map(async ([folder, name]) => {
      if (folder && (real === folder || real === (await realpathOf(folder))))
        throw unsafe(path, `is ${name}`);
    }),
  );
}

/** A user id that is in no user database, as containers use, has no home folder unless `HOME` names one. */
function homeFolder(): string | null {
  try {
    return homedir();
  } catch {
    return null;
  }
}

async function realpathOf(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

function unsafe(path: string, what: string, advice = `set ${SETTING} to a new, empty folder`): SessionsError {
  return new SessionsError('STORAGE_UNSAFE', `The storage folder ${path} ${what}: ${advice}.`);
}
