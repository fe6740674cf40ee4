import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { SyncFolder } from '../folders/sync-folder.js';
import { systemCode } from '../../storage-error.js';

/** The result of deleting one trash entry. */
export interface EntryOutcome {
  readonly name: string;
  /** Whether the entry no longer exists, even if another process deleted it. */
  readonly gone: boolean;
  readonly files: number;
  readonly bytes: number;
  /** The system code of the first failure. */
  readonly error: string | null;
}

interface Tally {
  files: number;
  bytes: number;
  error: string | null;
}

/** Our folders are not this deep, and each level costs an open file. */
const MAX_DEPTH = 32;
/** Other processes may add files to a folder, or empty it, at the same time. */
const ATTEMPTS = 10;

/**
 * Deletes trash entries and their contents, one after the other. Follows no link, enters no mount, and continues after
 * failures. Blocks its thread, so it belongs in a worker.
 */
export function removeEntries(trash: string, names: readonly string[]): EntryOutcome[] {
  try {
    return SyncFolder.use(trash, (opened) => {
      if (!opened.liesThere()) return untouched(names, 'ELOOP');
      const mount = opened.mount();
      return names.map((name) => {
        const tally: Tally = { files: 0, bytes: 0, error: null };
        const gone = remove(opened.at(name), mount, 0, tally);
        return { name, gone, ...tally };
      });
    });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return untouched(names, 'ENOENT');
    throw error;
  }
}

function untouched(names: readonly string[], error: string): EntryOutcome[] {
  return names.map((name) => ({ name, gone: false, files: 0, bytes: 0, error }));
}

/** Whether the path no longer exists. */
function remove(path: string | Buffer, mount: string, depth: number, tally: Tally): boolean {
  try {
    const found = lstatSync(path);
    if (found.isDirectory()) return removeFolder(path, mount, depth, tally);
    unlinkSync(path);
    tally.files += 1;
    if (found.isFile()) tally.bytes += found.size;
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    tally.error ??= systemCode(error) ?? 'unknown';
    return false;
  }
}

function removeFolder(path: string | Buffer, mount: string, depth: number, tally: Tally): boolean {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (!removeContents(path, mount, depth, tally)) return false;
    try {
      rmdirSync(path);
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return true;
      if (systemCode(error) !== 'ENOTEMPTY') throw error;
    }
  }
  tally.error ??= 'ENOTEMPTY';
  return false;
}

function removeContents(path: string | Buffer, mount: string, depth: number, tally: Tally): boolean {
  if (depth >= MAX_DEPTH) {
    tally.error ??= 'ENAMETOOLONG';
    return false;
  }
  return SyncFolder.use(path, (opened) => {
    if (opened.mount() !== mount) {
      tally.error ??= 'EXDEV';
      return false;
    }
    let isEmpty = true;
    for (const name of opened.names()) {
      isEmpty = remove(opened.at(name), mount, depth + 1, tally) && isEmpty;
    }
    return isEmpty;
  });
}
