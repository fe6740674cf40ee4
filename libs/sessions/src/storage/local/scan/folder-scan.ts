import { lstatSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { packedIds } from '../../../domain/ids.js';
import type { ScannedFile, ScannedPart } from '../../../ports/storage/file-storage.js';
import { SyncFolder } from '../folders/sync-folder.js';
import { isOurs } from '../../names.js';
import { isShardName, parseFileName, parseFolderName, type RootPaths } from '../folders/paths.js';
import { scannedFile } from './scanned-file.js';
import { isAbsence, isSystemError, systemCode } from '../../storage-error.js';

/** A part ends at this many names or folders, never within a folder. */
const NAMES = 4096;
const FOLDERS = 256;

/** One part of a scan: a few hundred session folders, whose file names have been read, but not the files themselves. */
export interface ListedPart {
  readonly number: number;
  /** The sessions whose folders have names in it. */
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

interface Findings {
  files: number;
  foreign: number;
  readonly unknown: ScannedFile[];
}

/**
 * Scans the folders of a root in parts: `list` lists names, `compare` inspects those that are not known. Blocks its thread,
 * so it belongs in a worker. Changes nothing, opens no file, follows no link.
 */
export class FolderScan {
  private readonly folders: Iterator<ListedFolder | 'foreign'>;
  private readonly pending = new Map<number, PendingPart>();
  private lastNumber = 0;

  constructor(private readonly paths: RootPaths) {
    this.folders = foldersOf(paths);
  }

  /** The next part; `null` after the last. */
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

  /** Compares a listed part with the packed resource ids of each of its sessions. */
  compare(number: number, known: readonly string[]): ScannedPart {
    const part = this.pending.get(number);
    if (!part) throw new RangeError(`Part ${number} was not listed, or has been compared already`);
    this.pending.delete(number);
    const { folders, empty, foreign } = part;
    const findings: Findings = { files: 0, foreign, unknown: [] };
    for (const [index, folder] of folders.entries()) {
      this.compareFolder(folder, known[index], findings);
    }
    return { ...findings, empty };
  }

  private compareFolder(folder: ListedFolder, packed: string | undefined, findings: Findings): void {
    // Fast path: most folders contain exactly the known resources, and both lists are in id order.
    if (folder.names.join('') === packed) {
      findings.files += folder.names.length;
      return;
    }
    // Throws on a missing answer: it does not mean that the session has no resources.
    const known = packedIds(packed);
    const suspects: string[] = [];
    for (const name of folder.names) {
      // The name of a finished file, the most frequent case, is its id.
      if (known.has(name)) findings.files += 1;
      else if (!parseFileName(name)) findings.foreign += 1;
      else if (known.has(name.slice(0, name.indexOf('.')))) findings.files += 1;
      else suspects.push(name);
    }
    if (suspects.length > 0) this.inspect(folder.sessionId, suspects, findings);
  }

  private inspect(sessionId: string, names: readonly string[], findings: Findings): void {
    const { root } = this.paths;
    const path = this.paths.session(sessionId);
    try {
      SyncFolder.use(path, (folder) => {
        const stat = folder.stat();
        const isOwn = isOurs(stat) && folder.mount() === SyncFolder.use(root, (opened) => opened.mount());
        if (!folder.liesThere() || !isOwn) {
          // A folder that is gone was discarded meanwhile.
          if (!isAbsent(path)) findings.foreign += 1;
          return;
        }
        for (const name of names) {
          const file = inspectFile(folder, sessionId, name, stat.dev);
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

/** An unreadable folder counts as foreign, so its files stay; the scan goes on with the others. */
function listFolder(path: string | Buffer, sessionId: string, dev: bigint): ListedFolder | 'foreign' | null {
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

/** The file with this name; `null` if it is gone by now. */
function inspectFile(
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

/** `null` if the folder is missing, or reached only through a link. */
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
