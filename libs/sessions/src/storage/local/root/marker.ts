import { randomBytes, randomUUID } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { link, lstat, open, readdir, rename } from 'node:fs/promises';
import type { StoreIdentity } from '../../../ports/store/session-store.js';
import { unlinkIfThere } from '../../names.js';
import { writeNew } from '../../new-file.js';
import { FILE_MODE, type AsyncFolder } from '../folders/async-folder.js';
import { MARKER_NAME } from '../folders/paths.js';
import { isAbsence, isSystemError } from '../../storage-error.js';

/** Marks a folder as a storage root, and names the store that owns the files. */
export interface Marker {
  readonly root: string;
  /** The generation of the store that owns the files. */
  readonly store: string;
  /** The highest recorded counter of that store. */
  readonly counter: number;
  /** How many times an operator has confirmed the owner of the files. */
  readonly confirmations: number;
}

/** A marker with the version of its file, which changes when the marker is replaced. */
export interface MarkerOnDisk extends Marker {
  readonly version: string;
}

const FORMAT = 1;
const MAX_BYTES = 4096;
const ATTEMPTS = 5;
const UNFINISHED = /^\.nest-sessions\.json\.[0-9a-f]{16}\.tmp$/;

/** Whether this is the temporary name of a marker that a process is writing, or has left unfinished. */
export function isUnfinishedMarker(name: string): boolean {
  return UNFINISHED.test(name);
}

/** Changes whenever the marker is replaced. `null` if there is none. Costs one system call. */
export async function markerVersion(path: string): Promise<string | null> {
  try {
    return versionOf(await lstat(path, { bigint: true }));
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

/** The marker in this folder; `null` if there is none, `unreadable` if the entry is not a marker. */
export async function readMarker(root: AsyncFolder): Promise<MarkerOnDisk | null | 'unreadable'> {
  const path = root.at(MARKER_NAME);
  let text: string;
  let version: string;
  try {
    // Without O_NONBLOCK, a fifo with this name would block a thread forever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat({ bigint: true });
      if (!stat.isFile() || stat.size > MAX_BYTES) return 'unreadable';
      text = await handle.readFile('utf8');
      version = versionOf(stat);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isAbsence(error)) return null;
    if (isSystemError(error, 'ELOOP', 'ENXIO', 'EISDIR')) return 'unreadable';
    throw error;
  }
  const marker = parse(text);
  return marker ? { ...marker, version } : 'unreadable';
}

/** Marks the folder as a new root of this store. Of concurrent processes one succeeds; answers whether this one did. */
export async function createMarker(root: AsyncFolder, store: StoreIdentity): Promise<boolean> {
  const marker: Marker = {
    root: randomUUID(),
    store: store.generation,
    counter: store.counter,
    confirmations: 0,
  };
  return publish(root, marker, async (unfinished, path) => {
    try {
      await link(unfinished, path);
      return true;
    } catch (error) {
      if (isSystemError(error, 'EEXIST')) return false;
      throw error;
    }
  });
}

/** Replaces the marker in this folder atomically. */
export async function replaceMarker(root: AsyncFolder, marker: Marker): Promise<void> {
  await publish(root, marker, rename);
}

/** Removes unfinished markers, which processes leave when they die. A process that is still writing one retries. */
export async function removeUnfinishedMarkers(root: AsyncFolder): Promise<void> {
  const names = await readdir(root.base);
  await Promise.all(names.filter(isUnfinishedMarker).map((name) => unlinkIfThere(root.at(name))));
}

/** Writes the marker under a temporary name, and calls `moveTo` to give it its final one. */
async function publish<T>(
  root: AsyncFolder,
  marker: Marker,
  moveTo: (unfinished: string, path: string) => Promise<T>,
  attempts = ATTEMPTS,
): Promise<T> {
  const unfinished = await writeUnfinished(root, marker);
  try {
    const moved = await moveTo(unfinished, root.at(MARKER_NAME));
    await root.sync();
    return moved;
  } catch (error) {
    // A starting process has removed the unfinished marker as left over.
    if (!isAbsence(error) || attempts === 1) throw error;
    return await publish(root, marker, moveTo, attempts - 1);
  } finally {
    await unlinkIfThere(unfinished);
  }
}

async function writeUnfinished(root: AsyncFolder, marker: Marker): Promise<string> {
  const path = root.at(`${MARKER_NAME}.${randomBytes(8).toString('hex')}.tmp`);
  await writeNew(path, `${JSON.stringify({ format: FORMAT, ...marker }, null, 2)}\n`, FILE_MODE);
  return path;
}

function versionOf({ dev, ino, size, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, ctimeNs].join(':');
}

function parse(text: string): Marker | null {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof fields !== 'object' || fields === null) return null;
  const { format, root, store, counter, confirmations = 0 } = fields as Record<string, unknown>;
  if (format !== FORMAT || typeof root !== 'string' || typeof store !== 'string') return null;
  if (!isCount(counter) || !isCount(confirmations)) return null;
  return { root, store, counter, confirmations };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
