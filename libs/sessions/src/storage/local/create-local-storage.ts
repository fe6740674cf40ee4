import { LocalFileStorage, type LocalFileStorageOptions } from './local-file-storage.js';
import { LocalStorageRoot, type LocalStorageRootOptions } from './local-storage-root.js';

export type LocalStorageOptions = LocalStorageRootOptions & LocalFileStorageOptions;

/** A storage root on this machine and its files, not connected yet. */
export interface LocalStorage {
  readonly storageRoot: LocalStorageRoot;
  readonly storage: LocalFileStorage;
}

export function createLocalStorage(options: LocalStorageOptions): LocalStorage {
  const storageRoot = new LocalStorageRoot(options);
  return { storageRoot, storage: new LocalFileStorage(storageRoot, options) };
}
