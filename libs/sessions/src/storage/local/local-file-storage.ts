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
  type StorageRoom,
  type TrashReport,
  type TrashTicket,
} from '../../ports/file-storage.js';
import type { StoreIdentity } from '../../ports/session-store.js';
import { LocalAdoption } from './files/adoption.js';
import { Ballast } from './root/ballast.js';
import { DiskRoom } from './root/disk-room.js';
import { removeFile } from './files/file-removal.js';
import { LocalFileWriter } from './files/file-writer.js';
import { RootBeacons } from './root/root-beacons.js';
import { checkKey, folderName, type RootPaths } from './folders/paths.js';
import { openFile } from './files/reading.js';
import { inspectRoot, prepareRoot } from './root/root.js';
import { RootGuard } from './root/root-guard.js';
import { scanFiles } from './scan/scan.js';
import { SessionFolders } from './folders/session-folders.js';
import { toStorageError, unavailable } from './folders/storage-error.js';
import { removeFolderIfEmpty, removeIfSame } from './scan/sweeping.js';
import { Trash } from './trash/trash.js';

export interface LocalFileStorageOptions {
  /** The folder to keep files in. It is made if it is missing; it must be of our own and closed to others. */
  readonly root: string;
  /** Folders that files may be adopted from. Default: none. */
  readonly adoptFrom?: readonly string[];
  /** With fewer bytes free, new files are refused. */
  readonly minFreeBytes: number;
  /** With fewer inodes free, new files are refused. */
  readonly minFreeInodes: number;
  /** Room kept in reserve for the store beside the files; 0 = none. */
  readonly ballastBytes: number;
  /** Names in the root that belong to others, such as the store's database; so does what begins with one and `-` or `.`. */
  readonly reservedNames?: readonly string[];
  /** Milliseconds since some fixed point, which the waits between tries of the trash are measured by. Default: the process's own. */
  readonly monotonicMs?: () => number;
  /** Is told, in one line, what an operator should know. */
  readonly onWarning?: (message: string) => void;
}

interface Connected {
  readonly paths: RootPaths;
  readonly guard: RootGuard;
  readonly folders: SessionFolders;
  readonly room: DiskRoom;
  readonly ballast: Ballast;
  readonly trash: Trash;
  readonly signs: RootBeacons;
}

/**
 * Keeps files in a folder of this machine, one folder for each session. Several processes may share it.
 *
 * A root that goes away while it is in use (unmounted, replaced) is noticed: until it is back, new files, deletions and
 * discards reject with `STORAGE_UNAVAILABLE`, and scans find nothing. A root that belongs to another store, or to a later
 * state of this one, is not trusted: new files are refused and nothing that a scan found is deleted; what the store itself
 * lets go of is.
 */
export class LocalFileStorage extends FileStorage {
  readonly kind = 'local';
  private connected: Connected | null = null;

  constructor(private readonly options: LocalFileStorageOptions) {
    super();
  }

  get rootId(): string {
    return this.connected?.guard.rootId ?? '';
  }

  override async inspect(): Promise<void> {
    try {
      await inspectRoot(this.options.root, this.options.reservedNames ?? []);
    } catch (error) {
      throw toStorageError(error);
    }
  }

  async connect(store: StoreIdentity): Promise<void> {
    const { root, reservedNames = [], ballastBytes, minFreeBytes, minFreeInodes } = this.options;
    const onWarning = this.options.onWarning ?? (() => undefined);
    await this.close();
    try {
      const prepared = await prepareRoot(root, reservedNames, store);
      const { paths } = prepared;
      const guard = new RootGuard(prepared, store, onWarning);
      const ballast = new Ballast(paths, ballastBytes);
      const room = new DiskRoom(paths, guard, ballast, {
        freeBytes: minFreeBytes,
        freeInodes: minFreeInodes,
      });
      if (prepared.fresh) await room.restoreBallast();
      const trash = new Trash(paths, onWarning, this.options.monotonicMs);
      const signs = new RootBeacons(paths);
      this.connected = { paths, guard, folders: new SessionFolders(paths), room, ballast, trash, signs };
    } catch (error) {
      throw toStorageError(error);
    }
  }

  async close(): Promise<void> {
    const connected = this.connected;
    this.connected = null;
    await connected?.trash.close();
  }

  noteStore(store: StoreIdentity): Promise<void> {
    return this.attempt(({ guard }) => guard.note(store));
  }

  trust(store: StoreIdentity): Promise<void> {
    return this.attempt(({ guard }) => guard.trust(store));
  }

  override leaveSign(processId: string): Promise<string | null> {
    return this.attempt(async ({ guard, signs }) => {
      await guard.assertPresent();
      return signs.leave(processId);
    });
  }

  override seesSign(processId: string, sign: string): Promise<boolean> {
    return this.attempt(({ signs }) => signs.sees(processId, sign));
  }

  override removeSigns(processId: string): Promise<void> {
    return this.attempt(async ({ guard, signs }) => {
      await guard.assertPresent();
      await signs.forget(processId);
    });
  }

  override keepSigns(processIds: readonly string[]): Promise<void> {
    return this.attempt(async ({ guard, signs }) => {
      if ((await guard.look()).present) await signs.keep(processIds);
    });
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
      // Nothing there, because the root is not: that says nothing of the file.
      if (!stream) await guard.assertPresent();
      return stream;
    });
  }

  remove(key: FileKey): Promise<void> {
    return this.attempt(async ({ guard, folders }) => {
      checkKey(key);
      await guard.assertPresent();
      await removeFile(folders, key);
    });
  }

  discardSession(sessionId: string): Promise<TrashTicket | null> {
    return this.attempt(async ({ guard, trash }) => {
      folderName(sessionId);
      await guard.assertPresent();
      return trash.take(sessionId);
    });
  }

  emptyTrash(ticket?: TrashTicket): Promise<TrashReport> {
    return this.attempt(async ({ guard, trash }) => {
      await guard.assertPresent();
      return ticket === undefined ? trash.emptyAll() : trash.emptyOne(ticket);
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

  room(): Promise<StorageRoom> {
    return this.attempt(({ room }) => room.look());
  }

  dropBallast(): Promise<void> {
    return this.attempt(async ({ guard, ballast, room }) => {
      await guard.assertPresent();
      await ballast.drop();
      room.forget();
    });
  }

  restoreBallast(): Promise<boolean> {
    return this.attempt(({ room }) => room.restoreBallast());
  }

  private connection(): Connected {
    if (!this.connected) throw unavailable('The file storage is not connected.');
    return this.connected;
  }

  private async attempt<T>(work: (connected: Connected) => Promise<T>): Promise<T> {
    try {
      return await work(this.connection());
    } catch (error) {
      throw toStorageError(error);
    }
  }
}
