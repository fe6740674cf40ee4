import { SessionsError } from '../../domain/errors.js';
import type { StorageRoom } from '../../ports/storage/storage-root.js';
import { MemoryStorageRoot } from './memory-storage-root.js';

/** For commands on a machine that has no storage folder, or not one of their user: they keep no files, and see those of others. */
export class AbsentStorageRoot extends MemoryStorageRoot {
  override readonly isTransient = true;

  constructor(private readonly path: string) {
    super();
  }

  override trust(): Promise<void> {
    return Promise.reject(new SessionsError('STORAGE_UNAVAILABLE', this.absence));
  }

  override async room(): Promise<StorageRoom> {
    const nothing = { freeBytes: 0, totalBytes: null, freeInodes: 0, ballast: false, trusted: true } as const;
    return { ...nothing, refusing: this.absence, problem: 'missing' };
  }

  private get absence(): string {
    return `This user has no storage folder at ${this.path}: run the command on the machine of the files, as the user of the server.`;
  }
}
