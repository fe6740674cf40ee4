import { lstatSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { packedIds } from '../../../domain/ids.js';
import type { ScannedFile, ScannedPart } from '../../../ports/file-storage.js';
import { SyncFolder } from '../folders/sync-folder.js';
import { isOurs } from '../folders/own-folder.js';
import { isShardName, parseFileName, parseFolderName, type RootPaths } from '../folders/paths.js';
import { scannedFile } from './scanned-file.js';
import { isAbsence, isSystemError, systemCode } from '../folders/storage-error.js';

/** A part is full with so many names, or so many folders. The last folder counts whole. */
const NAMES = 4096;
const FOLDERS = 256;

/** A part of what there is, by names alone. */
export interface ListedPart {
  readonly number: number;
  /** Whose folders it holds names of. */
  readonly sessionIds: readonly string[];
}

interface ListedFolder {
  readonly sessionId: string;
  readonly names: readonly string[];
}

interface PendingPart {
  readonly folders: ListedFolder[];
  readonly empty: string[];
  foreign: number;
}

/** Adds up what is found. */
interface Findings {
  files: number;
  foreign: number;
  readonly unknown: ScannedFile[];
}

/**
 * Scans the folders of a root, a part at a time: it lists names, waits to be told which of them are known, and looks at
 * the others. It blocks its thread: made for a worker. Nothing is changed, no file opened, no link followed.
 */
export class FolderScan {
  private readonly folders: Iterator<ListedFolder | 'foreign'>;
  private readonly pending = new Map<number, PendingPart>();
  private lastNumber = 0;

  constructor(private readonly paths: RootPaths) {
    this.folders = foldersOf(paths);
  }

  /** The next part; `null` when there is none. */
  list(): ListedPart | null {
    const part: PendingPart = { folders: [], empty: [], foreign: 0 };
    let [names, folders] = [0, 0];
    for (; names < NAMES && folders < FOLDERS; folders += 1) {
      const { value: folder, done } = this.folders.next();
      if (done) break;
      if (folder === 'foreign') part.foreign += 1;
      else if (folder.names.length === 0) part.empty.push(folder.sessionId);
      else part.folders.push(folder);
      if (folder !== 'foreign') names += folder.names.length;
    }
    if (folders === 0) return null;
    this.lastNumber += 1;
    this.pending.set(this.lastNumber, part);
    return { number: this.lastNumber, sessionIds: part.folders.map(({ sessionId }) => sessionId) };
  }

  /** What a listed part holds, given the packed ids of the resources of each of its sessions. */
  compare(number: number, known: readonly string[]): ScannedPart {
    const part = this.pending.get(number);
    if (!part) throw new RangeError('No such part was listed');
    this.pending.delete(number);
    const { folders, empty, foreign } = part;
    const findings: Findings = { files: 0, foreign, unknown: [] };
    for (const [index, folder] of folders.entries()) {
      this.compareFolder(folder, known[index], findings);
    }
    return { ...findings, empty };
  }

  private compareFolder(folder: ListedFolder, packed: string | undefined, findings: Findings): void {
    // Most folders hold what the store knows and nothing else, both in the order of ids: one look tells so.
    if (folder.names.join('') === packed) {
      findings.files += folder.names.length;
      return;
    }
    // Where nothing is said of a session, it is not said that it has nothing: this throws.
    const known = packedIds(packed);
    const suspects: string[] = [];
    for (const name of folder.names) {
      // Most are finished files, whose names are their ids.
      if (known.has(name)) findings.files += 1;
      else if (!parseFileName(name)) findings.foreign += 1;
      else if (known.has(name.slice(0, name.indexOf('.')))) findings.files += 1;
      else suspects.push(name);
    }
    if (suspects.length > 0) this.lookAtAll(folder.sessionId, suspects, findings);
  }

  private lookAtAll(sessionId: string, names: readonly string[], findings: Findings): void {
    const { root } = this.paths;
    const path = this.paths.session(sessionId);
    try {
      SyncFolder.use(path, (folder) => {
        const stat = folder.stat();
        const isOwn = isOurs(stat) && folder.place() === SyncFolder.use(root, (opened) => opened.place());
        if (!folder.liesThere() || !isOwn) {
          // One that was discarded meanwhile lies in the trash by now.
          if (!isAbsent(path)) findings.foreign += 1;
          return;
        }
        for (const name of names) {
          const file = lookAt(folder, sessionId, name, stat.dev);
          if (file === 'foreign') findings.foreign += 1;
          else if (file) {
            findings.files += 1;
            findings.unknown.push(file);
          }
        }
      });
    } catch (error) {
      if (systemCode(error) === null) throw error;
      if (!isAbsent(path)) findings.foreign += 1;
    }
  }
}

function* foldersOf(paths: RootPaths): Generator<ListedFolder | 'foreign'> {
  const shards = openIfThere(paths.sessions);
  if (!shards) return;
  const names = namesIn(shards).filter(isShardName);
  for (const name of names) {
    const shard = openIfThere(join(paths.sessions, name));
    if (!shard) continue;
    try {
      yield* foldersIn(paths, shard, name);
    } finally {
      shard.close();
    }
  }
}

function* foldersIn(
  paths: RootPaths,
  shard: SyncFolder,
  shardName: string,
): Generator<ListedFolder | 'foreign'> {
  const { dev } = SyncFolder.use(paths.root, (root) => root.stat());
  for (const name of shard.names()) {
    const sessionId = parseFolderName(shardName, name);
    const folder = sessionId === null ? null : listFolder(shard.at(name), sessionId, dev);
    if (folder) yield folder;
  }
}

/** A folder that cannot be read says nothing of the others: what is in it is left alone until it can be. */
function listFolder(path: Buffer, sessionId: string, dev: bigint): ListedFolder | 'foreign' | null {
  try {
    return SyncFolder.use(path, (folder) => {
      const stat = folder.stat();
      return isOurs(stat) && stat.dev === dev ? { sessionId, names: folder.names() } : 'foreign';
    });
  } catch (error) {
    if (systemCode(error) === null) throw error;
    return isAbsent(path) ? null : 'foreign';
  }
}

/** What lies under this name: a file of ours, something `foreign`, or nothing any more. */
function lookAt(
  folder: SyncFolder,
  sessionId: string,
  name: string,
  dev: bigint,
): ScannedFile | 'foreign' | null {
  let stat: BigIntStats;
  try {
    stat = lstatSync(folder.at(name), { bigint: true });
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
  return scannedFile(sessionId, name, stat, dev);
}

/** `null` where there is no such folder, or only one behind a link. */
function openIfThere(path: string): SyncFolder | null {
  try {
    const folder = SyncFolder.open(path);
    if (folder.liesThere()) return folder;
    folder.close();
    return null;
  } catch (error) {
    if (isAbsence(error) || isSystemError(error, 'ELOOP')) return null;
    throw error;
  }
}

function namesIn(folder: SyncFolder): string[] {
  try {
    return folder.names();
  } finally {
    folder.close();
  }
}

function isAbsent(path: string | Buffer): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}
