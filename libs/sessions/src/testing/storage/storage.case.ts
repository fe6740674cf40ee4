import type { FileStorage } from '../../ports/file-storage.js';

/** A test of one promise of the port. */
export interface FileStorageCase {
  readonly name: string;
  /** Rejects if the storage breaks the promise. */
  run(storage: FileStorage): Promise<void>;
}
