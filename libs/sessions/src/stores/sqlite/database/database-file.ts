import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isUuid } from '../../../domain/ids.js';
import type { StoreTrouble } from '../../../ports/store/store-trouble.js';

/** The file that a path names now, as its device and inode; `null` for none. */
export function fileAt(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/** What happened to the file that was opened at this path as `file`; `null` if it is still there. */
export function troubleAt(path: string, file: string): StoreTrouble | null {
  try {
    const now = fileAt(path);
    if (now === file) return null;
    return now === null ? 'deleted' : 'replaced';
  } catch {
    // The disk does not tell: SQLite reports what is wrong with it.
    return null;
  }
}

/** Creates the database file if it is missing, and removes what others left behind when they created it. */
export function prepareFile(path: string): void {
  if (!existsSync(path)) createFile(path);
  removeDrafts(path);
}

/**
 * Creates an empty file for SQLite, private whatever the umask; SQLite copies its mode to companion files. It is written
 * under another name and then linked, so that we never close a descriptor of a file that another thread has opened as a
 * database: that would drop SQLite's locks on it.
 */
function createFile(path: string): void {
  makeFolders(dirname(path));
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, '', { flag: 'wx', mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Node's `recursive` option loops forever on file systems that refuse folders, such as `/proc`. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolders(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!existsSync(path)) throw error;
  }
}

/** Removes drafts of processes that died in `createFile`. A process that is still in it finds the file created. */
function removeDrafts(path: string): void {
  const prefix = `${basename(path)}.`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(prefix) || !isUuid(name.slice(prefix.length))) continue;
    rmSync(join(dirname(path), name), { force: true });
  }
}

/** Removes a database with its companions. Processes that have it open find that it was deleted. */
export function removeDatabase(path: string): void {
  for (const file of filesOf(path)) rmSync(file, { force: true });
}

function filesOf(path: string): string[] {
  return [path, `${path}-wal`, `${path}-shm`];
}

export function keepPrivate(path: string): void {
  for (const file of filesOf(path)) {
    try {
      if ((statSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
    } catch {
      // Missing, or another user's: SQLite reports it if that matters.
    }
  }
}
