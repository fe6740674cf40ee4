import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { SyncFolder } from '../folders/sync-folder.js';
import { systemCode } from '../folders/storage-error.js';

/** What became of one entry of the trash. */
export interface EntryOutcome {
  readonly name: string;
  /** Whether nothing is left of it, whoever deleted it. */
  readonly gone: boolean;
  readonly files: number;
  readonly bytes: number;
  /** The system's name for the first thing that went wrong. */
  readonly error: string | null;
}

interface Tally {
  files: number;
  bytes: number;
  error: string | null;
}

/** Deeper than anything of ours: what lies deeper was not made by us, and each level costs an open file. */
const MAX_DEPTH = 32;
/** Others may still add to a folder while it is emptied, or empty it at the same time. */
const ATTEMPTS = 10;

/**
 * Deletes entries of the trash, one after the other, and all they hold. It follows no link, enters no mount, and goes on
 * past whatever cannot be deleted. It blocks its thread: made for a worker.
 */
export function removeEntries(trash: string, names: readonly string[]): EntryOutcome[] {
  try {
    return SyncFolder.use(trash, (opened) => {
      if (!opened.liesThere()) return untouched(names, 'ELOOP');
      const place = opened.place();
      return names.map((name) => {
        const tally: Tally = { files: 0, bytes: 0, error: null };
        const gone = remove(opened.at(name), place, 0, tally);
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

/** Whether nothing is left under this path. */
function remove(path: Buffer, place: string, depth: number, tally: Tally): boolean {
  try {
    const found = lstatSync(path);
    if (found.isDirectory()) return removeFolder(path, place, depth, tally);
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

function removeFolder(path: Buffer, place: string, depth: number, tally: Tally): boolean {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (!removeContents(path, place, depth, tally)) return false;
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

function removeContents(path: Buffer, place: string, depth: number, tally: Tally): boolean {
  if (depth >= MAX_DEPTH) {
    tally.error ??= 'ENAMETOOLONG';
    return false;
  }
  return SyncFolder.use(path, (opened) => {
    if (opened.place() !== place) {
      tally.error ??= 'EXDEV';
      return false;
    }
    let whole = true;
    for (const name of opened.names()) {
      whole = remove(opened.at(name), place, depth + 1, tally) && whole;
    }
    return whole;
  });
}
