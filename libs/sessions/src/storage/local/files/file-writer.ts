import type { FileHandle } from 'node:fs/promises';
import { SessionsError } from '../../../domain/errors.js';
import type { FileKey, FileWriter } from '../../../ports/storage/file-storage.js';
import { removeFile, removePart } from './file-removal.js';
import { openNew } from '../../new-file.js';
import { FILE_MODE, STORED_MODE } from '../folders/async-folder.js';
import { datasyncHandle } from '../../durable.js';
import { partName } from '../folders/paths.js';
import type { SessionFolders } from '../folders/session-folders.js';
import { toStorageError, translateErrors } from '../../storage-error.js';

/**
 * Writes one new file. Calls run in order: an `abort` waits for the current write. The first failure aborts: the file is
 * closed and deleted at once.
 */
export class LocalFileWriter implements FileWriter {
  private state: 'writing' | 'finished' | 'aborted' = 'writing';
  private sizeBytes = 0;
  /** Whether this writer has created the final name. */
  private named = false;
  private lastCall: Promise<unknown> = Promise.resolve();
  private finishing: Promise<number> | null = null;

  private constructor(
    private readonly folders: SessionFolders,
    private readonly key: FileKey,
    private handle: FileHandle | null,
  ) {}

  static async create(folders: SessionFolders, key: FileKey): Promise<LocalFileWriter> {
    return new LocalFileWriter(
      folders,
      key,
      await folders.begin(key, partName(key.resourceId), (path) => openNew(path, FILE_MODE)),
    );
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.inOrder(async () => {
      let rest = chunks;
      while (rest.length > 0) {
        const { bytesWritten } = await this.openHandle().writev(rest);
        this.sizeBytes += bytesWritten;
        rest = skipBytes(rest, bytesWritten);
      }
    });
  }

  finish(): Promise<number> {
    this.finishing ??= this.inOrder(async () => {
      await this.openHandle().chmod(STORED_MODE);
      await datasyncHandle(this.openHandle());
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
    // Set before waiting, so that queued writes fail instead of running.
    this.state = 'aborted';
    await this.lastCall;
    await translateErrors(() => this.discard());
  }

  private inOrder<T>(work: () => Promise<T>): Promise<T> {
    const call = this.lastCall.then(work).catch(async (error: unknown) => {
      // Reports the first failure, not one of the deletion: the record of the file leads cleanup to it.
      if (this.state === 'writing') await this.discard().catch(() => undefined);
      throw toStorageError(error);
    });
    this.lastCall = call.catch(() => undefined);
    return call;
  }

  private openHandle(): FileHandle {
    if (this.state === 'finished') {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'finish() has been called on this file: create a new one to write.',
      );
    }
    if (this.state === 'aborted' || !this.handle) {
      throw new SessionsError('UPLOAD_ABORTED', 'Writing this file was aborted.');
    }
    return this.handle;
  }

  private async discard(): Promise<void> {
    this.state = 'aborted';
    try {
      await this.close();
    } finally {
      await (this.named ? removeFile : removePart)(this.folders, this.key);
      await this.folders.removeIfEmpty(this.key.sessionId);
    }
  }

  private async close(): Promise<void> {
    const handle = this.handle;
    this.handle = null;
    await handle?.close();
  }
}

/** The chunks after the first `bytes` bytes: a nearly full disk accepts only part of a write. */
function skipBytes(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skipped = bytes;
  for (const [index, chunk] of chunks.entries()) {
    if (skipped < chunk.byteLength) return [chunk.subarray(skipped), ...chunks.slice(index + 1)];
    skipped -= chunk.byteLength;
  }
  return [];
}
