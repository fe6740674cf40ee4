import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { SessionsError } from '../../domain/errors.js';
import { packedIds, packIds } from '../../domain/packed-ids.js';
import {
  FileStorage,
  type Adoption,
  type ByteRange,
  type FileKey,
  type FileWriter,
  type KnownResources,
  type ScannedFile,
  type ScannedPart,
  type StorageRoom,
  type TrashReport,
  type TrashTicket,
} from '../../ports/file-storage.js';

interface StoredFile {
  readonly chunks: Uint8Array[];
  readonly inode: bigint;
  partial: boolean;
  changedAt: number;
}

/** Keeps files in memory, for the tests of applications. It promises what every storage does, but for surviving. */
export class MemoryFileStorage extends FileStorage {
  readonly kind = 'memory';
  readonly rootId = randomUUID();
  private readonly sessions = new Map<string, Map<string, StoredFile>>();
  private nextInode = 1n;

  async connect(): Promise<void> {}

  async close(): Promise<void> {}

  async noteStore(): Promise<void> {}

  async trust(): Promise<void> {}

  async create({ sessionId, resourceId }: FileKey): Promise<FileWriter> {
    const folder = this.sessions.get(sessionId) ?? new Map<string, StoredFile>();
    if (folder.has(resourceId)) throw new SessionsError('STORAGE_UNAVAILABLE', 'The file is there already.');
    this.sessions.set(sessionId, folder);
    const file: StoredFile = { chunks: [], inode: this.nextInode, partial: true, changedAt: Date.now() };
    this.nextInode += 1n;
    folder.set(resourceId, file);
    return {
      write: async (chunks) => {
        for (const chunk of chunks) file.chunks.push(Uint8Array.from(chunk));
        file.changedAt = Date.now();
      },
      finish: async () => {
        if (this.sessions.get(sessionId) !== folder)
          throw new SessionsError('SESSION_GONE', 'The session is over.');
        file.partial = false;
        return sizeOf(file);
      },
      abort: async () => void folder.delete(resourceId),
    };
  }

  async adopt(key: FileKey, path: string): Promise<Adoption> {
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new SessionsError('FILE_NOT_ADOPTABLE', 'The file cannot be read.', { cause });
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
    const file = this.sessions.get(sessionId)?.get(resourceId);
    if (!file || file.partial) return null;
    const bytes = Buffer.concat(file.chunks);
    return Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes], { objectMode: false });
  }

  async remove({ sessionId, resourceId }: FileKey): Promise<void> {
    this.sessions.get(sessionId)?.delete(resourceId);
  }

  async discardSession(sessionId: string): Promise<TrashTicket | null> {
    return this.sessions.delete(sessionId) ? sessionId : null;
  }

  async emptyTrash(): Promise<TrashReport> {
    return { files: 0, bytes: 0, failures: 0, stuck: 0 };
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

  async removeEmptyFolder(sessionId: string): Promise<boolean> {
    return this.sessions.get(sessionId)?.size === 0 && this.sessions.delete(sessionId);
  }

  async room(): Promise<StorageRoom> {
    return {
      freeBytes: Number.MAX_SAFE_INTEGER,
      freeInodes: Number.MAX_SAFE_INTEGER,
      ballast: true,
      trusted: true,
      refusing: null,
      problem: null,
    };
  }

  async dropBallast(): Promise<void> {}

  async restoreBallast(): Promise<boolean> {
    return true;
  }
}

function sizeOf(file: StoredFile): number {
  return file.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function scanned(sessionId: string, resourceId: string, file: StoredFile): ScannedFile {
  const { partial, changedAt, inode } = file;
  return { sessionId, resourceId, partial, changedAt, inode, sizeBytes: sizeOf(file) };
}
