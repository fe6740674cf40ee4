import { randomBytes, randomUUID } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { link, lstat, open, readdir, rename } from 'node:fs/promises';
import type { StoreIdentity } from '../../../ports/session-store.js';
import { unlinkIfThere } from '../files/file-removal.js';
import { FILE_MODE, type AsyncFolder } from '../folders/async-folder.js';
import { MARKER_NAME } from '../folders/paths.js';
import { isAbsence, isSystemError } from '../folders/storage-error.js';

/** Says that a folder is a storage root of ours, and whose. */
export interface Marker {
  readonly root: string;
  /** Generation of the store that owns the files. */
  readonly store: string;
  /** The highest counter of that store that was noted. */
  readonly counter: number;
  /** How many times an operator has said whose the files are. */
  readonly confirmations: number;
}

/** A marker as it lies on the disk: what tells whether it has been replaced since. */
export interface MarkerOnDisk extends Marker {
  readonly version: string;
}

const FORMAT = 1;
const MAX_BYTES = 4096;
const ATTEMPTS = 5;
const UNFINISHED = /^\.nest-sessions\.json\.[0-9a-f]{16}\.tmp$/;

/** Whether a name in the root is that of a marker that somebody is writing, or has left half written. */
export function isUnfinishedMarker(name: string): boolean {
  return UNFINISHED.test(name);
}

/** Changes whenever the marker is replaced. `null` where there is none. Costs one system call. */
export async function markerVersion(path: string): Promise<string | null> {
  try {
    return versionOf(await lstat(path, { bigint: true }));
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

/** The marker in this folder; `null` where there is none, `unreadable` where what is there is no marker. */
export async function readMarker(root: AsyncFolder): Promise<MarkerOnDisk | null | 'unreadable'> {
  const path = root.at(MARKER_NAME);
  let text: string;
  let version: string;
  try {
    // Without O_NONBLOCK, a fifo in its place would hold a thread for good.
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

/** Marks the folder as a new root of this store. Of several processes at once, one makes the marker: whether it was this. */
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

/** Puts another marker in the place of the one in this folder, whole or not at all. */
export async function replaceMarker(root: AsyncFolder, marker: Marker): Promise<void> {
  await publish(root, marker, rename);
}

/** Removes what processes left that died while they wrote a marker. One that still writes its marker writes it again. */
export async function removeUnfinishedMarkers(root: AsyncFolder): Promise<void> {
  const names = await readdir(root.base);
  await Promise.all(names.filter(isUnfinishedMarker).map((name) => unlinkIfThere(root.at(name))));
}

/** Writes the marker under another name, and lets `place` give it its own. */
async function publish<T>(
  root: AsyncFolder,
  marker: Marker,
  place: (unfinished: string, path: string) => Promise<T>,
  attempts = ATTEMPTS,
): Promise<T> {
  const unfinished = await writeUnfinished(root, marker);
  try {
    const placed = await place(unfinished, root.at(MARKER_NAME));
    await root.sync();
    return placed;
  } catch (error) {
    // Another process that starts takes it for one that was left.
    if (!isAbsence(error) || attempts === 1) throw error;
    return await publish(root, marker, place, attempts - 1);
  } finally {
    await unlinkIfThere(unfinished);
  }
}

async function writeUnfinished(root: AsyncFolder, marker: Marker): Promise<string> {
  const path = root.at(`${MARKER_NAME}.${randomBytes(8).toString('hex')}.tmp`);
  const handle = await open(path, 'wx', FILE_MODE);
  try {
    await handle.chmod(FILE_MODE);
    await handle.writeFile(`${JSON.stringify({ format: FORMAT, ...marker }, null, 2)}\n`);
    await handle.sync();
  } catch (error) {
    await unlinkIfThere(path);
    throw error;
  } finally {
    await handle.close();
  }
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
