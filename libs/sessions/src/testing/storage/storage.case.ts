import type { FileStorage } from '../../ports/storage/file-storage.js';

/** One test of a file storage: see `fileStorageContract`. */
export interface FileStorageCase {
  readonly name: string;
  /**
   * Rejects with an `AssertionError` if the storage does not do what `name` says. `folder`: an empty one of this machine, for this case
   * alone; delete it afterwards.
   */
  run(storage: FileStorage, folder: string): Promise<void>;
}
