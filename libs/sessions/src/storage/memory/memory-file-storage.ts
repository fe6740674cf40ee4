import { readFile, rm } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { SessionsError } from '../../domain/errors.js';
import { isUuid, packedIds, packIds } from '../../domain/ids.js';
import {
  FileStorage,
  type Adoption,
  type ByteRange,
  type FileKey,
  type FileWriter,
  type KnownResources,
  type ScannedFile,
  type ScannedPart,
  type StoredName,
  type TrashEntry,
  type TrashReport,
  type TrashTicket,
} from '../../ports/storage/file-storage.js';

export interface MemoryFileStorageOptions {
  /** Folders from which files may be adopted. Default: any. */
  readonly adoptFrom?: readonly string[];
}

interface StoredFile {
  readonly chunks: Uint8Array[];
  readonly inode: bigint;
  partial: boolean;
  changedAt: number;
}

/** The files of a session by resource id. */
class Folder extends Map<string, StoredFile> {
  /** When a file was last removed. */
  changedAt = Date.now();

  override delete(resourceId: string): boolean {
    this.changedAt = Date.now();
    return super.delete(resourceId);
  }
}

/**
 * Stores files in memory, for tests of applications. Keeps all promises of a storage, except that files survive the process.
 */
export class MemoryFileStorage extends FileStorage {
  private readonly sessions = new Map<string, Folder>();
  private nextInode = 1n;

  constructor(private readonly options: MemoryFileStorageOptions = {}) {
    super();
  }

  async connect(): Promise<void> {}

  async close(): Promise<void> {}

  async create({ sessionId, resourceId }: FileKey): Promise<FileWriter> {
    checkIds(sessionId, resourceId);
    const folder = this.sessions.get(sessionId) ?? new Folder();
    if (folder.has(resourceId)) throw new SessionsError('INVALID_ARGUMENT', 'The file already exists.');
    this.sessions.set(sessionId, folder);
    const file: StoredFile = { chunks: [], inode: this.nextInode, partial: true, changedAt: Date.now() };
    this.nextInode += 1n;
    folder.set(resourceId, file);
    const requireExists = (): void => {
      if (this.sessions.get(sessionId) !== folder)
        throw new SessionsError('SESSION_GONE', 'The session has ended.');
      if (folder.get(resourceId) !== file) throw new SessionsError('RESOURCE_GONE', 'The file was deleted.');
    };
    return {
      write: async (chunks) => {
        requireExists();
        if (!file.partial)
          throw new SessionsError(
            'INVALID_ARGUMENT',
            'finish() has been called on this file: create a new one to write.',
          );
        for (const chunk of chunks) file.chunks.push(Uint8Array.from(chunk));
        file.changedAt = Date.now();
      },
      finish: async () => {
        requireExists();
        file.partial = false;
        return sizeOf(file);
      },
      abort: async () => {
        if (folder.get(resourceId) === file) folder.delete(resourceId);
      },
    };
  }

  async adopt(key: FileKey, path: string): Promise<Adoption> {
    checkIds(key.sessionId, key.resourceId);
    if (this.options.adoptFrom?.every((folder) => !resolve(path).startsWith(join(resolve(folder), sep))))
      throw new SessionsError('FILE_NOT_ADOPTABLE', 'The file is not in a folder of adoptFrom.');
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new SessionsError(
        'FILE_NOT_ADOPTABLE',
        'Reading the file to adopt failed: check that it exists and is readable.',
        { cause },
      );
    });
    return {
      sizeBytes: bytes.length,
      place: async () => {
        const writer = await this.create(key);
        await writer.write([bytes]);
        await writer.finish();
      },
      complete: () => rm(path),
      abort: () => this.remove(key),
    };
  }

  async read({ sessionId, resourceId }: FileKey, range?: ByteRange): Promise<Readable | null> {
    checkIds(sessionId, resourceId);
    const file = this.sessions.get(sessionId)?.get(resourceId);
    if (!file || file.partial) return null;
    const bytes = Buffer.concat(file.chunks);
    if (range && !(range.start >= 0 && range.start <= range.end && range.start < bytes.length))
      throw new SessionsError(
        'RANGE_NOT_SATISFIABLE',
        'The byte range is invalid or starts beyond the end of the file.',
      );
    return Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes], { objectMode: false });
  }

  async link({ sessionId, resourceId }: FileKey): Promise<boolean> {
    checkIds(sessionId, resourceId);
    return false;
  }

  /** Nothing here has a path. */
  identify(): StoredName | null {
    return null;
  }

  async remove({ sessionId, resourceId }: FileKey): Promise<void> {
    checkIds(sessionId, resourceId);
    this.sessions.get(sessionId)?.delete(resourceId);
  }

  async discardSession(sessionId: string): Promise<TrashTicket | null> {
    checkIds(sessionId);
    return this.sessions.delete(sessionId) ? sessionId : null;
  }

  async emptyTrash(): Promise<TrashReport> {
    return { files: 0, bytes: 0, failure: null };
  }

  async listTrash(): Promise<TrashEntry[]> {
    return [];
  }

  async *scan(known: KnownResources): AsyncIterable<ScannedPart> {
    const folders = [...this.sessions].map(([sessionId, folder]) => ({ sessionId, files: [...folder] }));
    const answers = await known(folders.map(({ sessionId }) => sessionId));
    const unknown = folders.flatMap(({ sessionId, files }, index) => {
      const ids = packedIds(answers[index]);
      return files
        .filter(([resourceId]) => !ids.has(packIds([resourceId])))
        .map(([resourceId, file]) => scanned(sessionId, resourceId, file));
    });
    yield {
      files: folders.reduce((sum, { files }) => sum + files.length, 0),
      foreign: 0,
      unknown,
      empty: folders.filter(({ files }) => files.length === 0).map(({ sessionId }) => sessionId),
    };
  }

  async removeScanned(found: ScannedFile): Promise<boolean> {
    const folder = this.sessions.get(found.sessionId);
    const file = folder?.get(found.resourceId);
    if (!folder || !file || file.inode !== found.inode || file.changedAt !== found.changedAt) return false;
    return folder.delete(found.resourceId);
  }

  async removeEmptyFolder(sessionId: string, graceMs: number): Promise<boolean> {
    checkIds(sessionId);
    const folder = this.sessions.get(sessionId);
    if (folder?.size !== 0 || Date.now() - folder.changedAt < graceMs) return false;
    return this.sessions.delete(sessionId);
  }
}

function checkIds(...ids: readonly string[]): void {
  if (!ids.every(isUuid))
    throw new SessionsError('INVALID_ARGUMENT', 'The session id or resource id is not a UUID.');
}

function sizeOf(file: StoredFile): number {
  return file.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function scanned(sessionId: string, resourceId: string, file: StoredFile): ScannedFile {
  const { partial, changedAt, inode } = file;
  return { sessionId, resourceId, partial, changedAt, inode, sizeBytes: sizeOf(file) };
}
