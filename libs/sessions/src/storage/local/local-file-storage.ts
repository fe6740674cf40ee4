import type { Readable } from 'node:stream';
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
import { LocalAdoption } from './files/adoption.js';
import { removeFile } from './files/file-removal.js';
import { LocalFileWriter } from './files/file-writer.js';
import { linkFile } from './files/linking.js';
import { openFile } from './files/reading.js';
import { checkKey, folderName, parsePath, type RootPaths } from './folders/paths.js';
import { SessionFolders } from './folders/session-folders.js';
import { toStorageError, translateErrors, unavailable } from '../storage-error.js';
import type { LocalStorageRoot } from './local-storage-root.js';
import type { DiskRoom } from './root/disk-room.js';
import type { RootGuard } from './root/root-guard.js';
import { scanFiles } from './scan/scan.js';
import { removeFolderIfEmpty, removeIfSame } from './scan/sweeping.js';
import { Trash } from './trash/trash.js';

export interface LocalFileStorageOptions {
  /** Absolute paths of folders from which files may be adopted. Default: none. */
  readonly adoptFrom?: readonly string[];
}

interface Connected {
  readonly paths: RootPaths;
  readonly guard: RootGuard;
  readonly room: DiskRoom;
  readonly folders: SessionFolders;
  readonly trash: Trash;
}

/**
 * Stores files in a storage root on this machine, one folder per session. Several processes may share it.
 *
 * While the root is missing, new files, deletions and discards reject with `STORAGE_UNAVAILABLE`, and scans find nothing.
 * While it is not trusted, new files and the deletion of scanned files are refused; `remove` and `discardSession` work.
 */
export class LocalFileStorage extends FileStorage {
  private connected: Connected | null = null;

  constructor(
    private readonly root: LocalStorageRoot,
    private readonly options: LocalFileStorageOptions = {},
  ) {
    super();
  }

  async connect(): Promise<void> {
    await this.close();
    const { paths, guard, room } = this.root.connected;
    const trash = new Trash(paths);
    this.connected = { paths, guard, room, folders: new SessionFolders(paths), trash };
  }

  async close(): Promise<void> {
    const connected = this.connected;
    this.connected = null;
    await connected?.trash.close();
  }

  create(key: FileKey): Promise<FileWriter> {
    return this.attempt(async ({ room, folders }) => {
      checkKey(key);
      await room.admit();
      return LocalFileWriter.create(folders, key);
    });
  }

  adopt(key: FileKey, path: string): Promise<Adoption> {
    return this.attempt(async ({ room, folders, paths }) => {
      checkKey(key);
      await room.admit();
      return LocalAdoption.begin(folders, key, path, {
        root: paths.root,
        adoptFrom: this.options.adoptFrom ?? [],
      });
    });
  }

  read(key: FileKey, range?: ByteRange): Promise<Readable | null> {
    return this.attempt(async ({ paths, guard }) => {
      const stream = await openFile(paths, key, range);
      // If the whole root is missing, the file may still exist.
      if (!stream) await guard.assertPresent();
      return stream;
    });
  }

  link(key: FileKey, path: string): Promise<boolean> {
    return this.attempt(({ folders }) => linkFile(folders, key, path));
  }

  remove(key: FileKey): Promise<void> {
    return this.attempt(async ({ guard, folders }) => {
      checkKey(key);
      await guard.assertPresent();
      await removeFile(folders, key);
    });
  }

  identify(path: string): StoredName | null {
    return parsePath(path);
  }

  discardSession(sessionId: string): Promise<TrashTicket | null> {
    return this.attempt(async ({ guard, trash }) => {
      folderName(sessionId);
      await guard.assertPresent();
      return trash.take(sessionId);
    });
  }

  emptyTrash(ticket: TrashTicket): Promise<TrashReport> {
    return this.attempt(async ({ guard, trash }) => {
      await guard.assertPresent();
      return trash.empty(ticket);
    });
  }

  listTrash(): Promise<TrashEntry[]> {
    return this.attempt(async ({ guard, trash }) => {
      await guard.assertPresent();
      return trash.list();
    });
  }

  async *scan(known: KnownResources): AsyncGenerator<ScannedPart> {
    const { paths, guard } = this.connection();
    const isPresent = async () => (await guard.look()).present;
    try {
      yield* scanFiles(paths, isPresent, known);
    } catch (error) {
      throw toStorageError(error);
    }
  }

  removeScanned(file: ScannedFile): Promise<boolean> {
    return this.attempt(async ({ guard, paths }) => {
      const { trusted } = await guard.look();
      return trusted && removeIfSame(paths, file);
    });
  }

  removeEmptyFolder(sessionId: string, graceMs: number): Promise<boolean> {
    return this.attempt(async ({ guard, paths }) => {
      const { trusted } = await guard.look();
      return trusted && removeFolderIfEmpty(paths, sessionId, graceMs);
    });
  }

  private connection(): Connected {
    if (!this.connected) throw unavailable('The file storage is not connected: call connect() first.');
    return this.connected;
  }

  private attempt<T>(work: (connected: Connected) => Promise<T>): Promise<T> {
    return translateErrors(async () => work(this.connection()));
  }
}
