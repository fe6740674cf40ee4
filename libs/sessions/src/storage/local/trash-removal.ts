import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { systemCode } from './storage-error.js';

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

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const REACHES_THROUGH_OPEN_FOLDERS = process.platform === 'linux' && existsSync('/proc/self/fd');
/** Deeper than anything of ours: what lies deeper was not made by us, and each level costs an open file. */
const MAX_DEPTH = 32;
/** Others may still add to a folder while it is emptied, or empty it at the same time. */
const ATTEMPTS = 10;

/**
 * Deletes entries of the trash, one after the other, and all they hold. It follows no link, enters no mount, and goes on
 * past whatever cannot be deleted. It blocks its thread: made for a worker.
 */
export function removeEntries(trash: string, names: readonly string[]): EntryOutcome[] {
  const opened = openFolder(Buffer.from(trash));
  if (!opened) return untouched(names, 'ENOENT');
  try {
    if (!liesAt(opened.fd, trash)) return untouched(names, 'ELOOP');
    const place = placeOf(opened.fd);
    return names.map((name) => {
      const tally: Tally = { files: 0, bytes: 0, error: null };
      const gone = remove(below(opened.base, Buffer.from(name)), place, 0, tally);
      return { name, gone, ...tally };
    });
  } finally {
    closeSync(opened.fd);
  }
}

function untouched(names: readonly string[], error: string): EntryOutcome[] {
  return names.map((name) => ({ name, gone: false, files: 0, bytes: 0, error }));
}

/** Names are bytes: one that is no UTF-8 would come back as another name. */
function below(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
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
  const opened = openFolder(path);
  if (!opened) return true;
  try {
    if (placeOf(opened.fd) !== place) {
      tally.error ??= 'EXDEV';
      return false;
    }
    let whole = true;
    for (const name of readdirSync(opened.base, { encoding: 'buffer' })) {
      whole = remove(below(opened.base, name), place, depth + 1, tally) && whole;
    }
    return whole;
  } finally {
    closeSync(opened.fd);
  }
}

/** The device, and where the system tells it the mount: a disk may be mounted in itself. */
function placeOf(fd: number): string {
  const { dev } = fstatSync(fd);
  if (!REACHES_THROUGH_OPEN_FOLDERS) return String(dev);
  const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
  return `${dev} ${mount}`;
}

function openFolder(path: Buffer): { readonly fd: number; readonly base: Buffer } | null {
  try {
    const fd = openSync(path, OPEN_FOLDER);
    return { fd, base: REACHES_THROUGH_OPEN_FOLDERS ? Buffer.from(`/proc/self/fd/${fd}`) : path };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

function liesAt(fd: number, path: string): boolean {
  return !REACHES_THROUGH_OPEN_FOLDERS || readlinkSync(`/proc/self/fd/${fd}`) === path;
}
