import { MemoryFileStorage } from '../storage/memory/memory-file-storage.js';
import { MemoryStorageRoot } from '../storage/memory/memory-storage-root.js';
import { MemorySessionStore } from '../stores/sqlite/memory-session-store.js';
import { ManualClock } from './manual-clock.js';

/** What a test of an application puts in the place of disk, database and time. */
export interface InMemoryAdapters {
  readonly store: MemorySessionStore;
  readonly storage: MemoryFileStorage;
  readonly storageRoot: MemoryStorageRoot;
  readonly clock: ManualClock;
}

/**
 * Adapters for `SessionsModule.forRoot({ adapters: inMemoryAdapters() })`: nothing touches the disk, and the time moves
 * when the test says so, by `clock.advance(ms)`. Each call makes a world of its own.
 */
export function inMemoryAdapters(): InMemoryAdapters {
  return {
    store: new MemorySessionStore(),
    storage: new MemoryFileStorage(),
    storageRoot: new MemoryStorageRoot(),
    clock: new ManualClock(),
  };
}
