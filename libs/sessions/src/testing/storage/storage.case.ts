import type { FileStorage } from '../../ports/file-storage.js';

/** One promise of the port, put to the test. */
export interface FileStorageCase {
  readonly name: string;
  /** Rejects unless the storage keeps the promise. */
  run(storage: FileStorage): Promise<void>;
}
