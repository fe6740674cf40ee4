import { constants } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { SessionsError } from '../../../domain/errors.js';
import type { FileKey, FileWriter } from '../../../ports/file-storage.js';
import { removeFile, removePart } from './file-removal.js';
import { FILE_MODE } from '../folders/async-folder.js';
import { partName } from '../folders/paths.js';
import type { SessionFolders } from '../folders/session-folders.js';
import { toStorageError, translateErrors } from '../folders/storage-error.js';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes one new file. What it is asked is done in turn, so that nothing overtakes: an `abort` waits for the write under
 * way. The first failure gives up: the file is closed and deleted at once.
 */
export class LocalFileWriter implements FileWriter {
  private state: 'writing' | 'finished' | 'given up' = 'writing';
  private sizeBytes = 0;
  /** Whether what has the final name is ours. */
  private named = false;
  private lastTurn: Promise<unknown> = Promise.resolve();
  private finishing: Promise<number> | null = null;

  private constructor(
    private readonly folders: SessionFolders,
    private readonly key: FileKey,
    private handle: FileHandle | null,
  ) {}

  static async create(folders: SessionFolders, key: FileKey): Promise<LocalFileWriter> {
    return new LocalFileWriter(folders, key, await folders.begin(key, partName(key.resourceId), openNew));
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.inTurn(async () => {
      let rest = chunks;
      while (rest.length > 0) {
        const { bytesWritten } = await this.openHandle().writev(rest);
        this.sizeBytes += bytesWritten;
        rest = beyond(rest, bytesWritten);
      }
    });
  }

  finish(): Promise<number> {
    this.finishing ??= this.inTurn(async () => {
      await this.openHandle().datasync();
      await this.close();
      await this.folders.publish(this.key, partName(this.key.resourceId), () => {
        this.named = true;
      });
      this.state = 'finished';
      return this.sizeBytes;
    });
    return this.finishing;
  }

  async abort(): Promise<void> {
    // Said at once, so that what waits for its turn is not written any more.
    this.state = 'given up';
    await this.lastTurn;
    await translateErrors(() => this.giveUp());
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.lastTurn.then(work).catch(async (error: unknown) => {
      if (this.state === 'writing') await this.giveUpQuietly();
      throw toStorageError(error);
    });
    this.lastTurn = turn.catch(() => undefined);
    return turn;
  }

  private openHandle(): FileHandle {
    if (this.state === 'finished') {
      throw new SessionsError('INVALID_ARGUMENT', 'This file is finished: nothing can be written to it.');
    }
    if (this.state === 'given up' || !this.handle) {
      throw new SessionsError('UPLOAD_ABORTED', 'The writing of this file was given up.');
    }
    return this.handle;
  }

  private async giveUp(): Promise<void> {
    this.state = 'given up';
    try {
      await this.close();
    } finally {
      await (this.named ? removeFile : removePart)(this.folders, this.key);
      await this.folders.removeIfEmpty(this.key.sessionId);
    }
  }

  private async giveUpQuietly(): Promise<void> {
    try {
      await this.giveUp();
    } catch {
      // The failure that led here is the one to tell; what is left is found by its record.
    }
  }

  private async close(): Promise<void> {
    const handle = this.handle;
    this.handle = null;
    await handle?.close();
  }
}

/** What is left of the chunks after so many bytes: a nearly full disk takes some of them. */
function beyond(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let behind = bytes;
  for (const [index, chunk] of chunks.entries()) {
    if (behind < chunk.byteLength) return [chunk.subarray(behind), ...chunks.slice(index + 1)];
    behind -= chunk.byteLength;
  }
  return [];
}

async function openNew(path: string): Promise<FileHandle> {
  const handle = await open(path, NEW_FILE, FILE_MODE);
  try {
    // The umask may have taken away what the owner needs.
    await handle.chmod(FILE_MODE);
    return handle;
  } catch (error) {
    await handle.close();
    await unlink(path);
    throw error;
  }
}
