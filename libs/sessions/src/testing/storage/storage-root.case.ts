import type { StorageRoot } from '../../ports/storage/storage-root.js';

/** One test of a storage root: see `storageRootContract`. */
export interface StorageRootCase {
  readonly name: string;
  /**
   * Rejects with an `AssertionError` if the storage root does not do what `name` says. `folder`: an empty one that files may be claimed to,
   * for this case alone, without links in its path; delete it afterwards.
   */
  run(root: StorageRoot, folder: string): Promise<void>;
}
