import type { FileStorage } from '../../ports/storage/file-storage.js';

/** One test of a file storage: see `fileStorageContract`. */
export interface FileStorageCase {
  readonly name: string;
  /** Rejects with an `AssertionError` if the storage does not do what `name` says. */
  run(storage: FileStorage): Promise<void>;
}
