import type { StorageRoot } from '../../ports/storage/storage-root.js';

/** One test of a storage root: see `storageRootContract`. */
export interface StorageRootCase {
  readonly name: string;
  /** Rejects with an `AssertionError` if the storage root does not do what `name` says. */
  run(root: StorageRoot): Promise<void>;
}
