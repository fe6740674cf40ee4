import { MemoryFileStorage } from '../storage/memory/memory-file-storage.js';
import { MemoryStorageRoot } from '../storage/memory/memory-storage-root.js';
import { MemorySessionStore } from '../stores/sqlite/memory-session-store.js';
import { ManualClock } from './manual-clock.js';

/** Replaces disk, database and time in tests of applications. */
export interface InMemoryAdapters {
  readonly store: MemorySessionStore;
  readonly storage: MemoryFileStorage;
  readonly storageRoot: MemoryStorageRoot;
  readonly clock: ManualClock;
  /** No limits of networks: all clients of a test have one address, and its time stands still. */
  readonly defaults: { readonly openRate: number; readonly maxUnconfirmedPerNetwork: number };
}

/**
 * Adapters for `SessionsModule.forRoot({ adapters: inMemoryAdapters() })`: nothing touches the disk, and only
 * `clock.advance(ms)` moves the time. Unless the application sets these limits, a network opens as many sessions as it likes. Each
 * call makes new, independent adapters.
 */
export function inMemoryAdapters(): InMemoryAdapters {
  return {
    store: new MemorySessionStore(),
    storage: new MemoryFileStorage(),
    storageRoot: new MemoryStorageRoot(),
    clock: new ManualClock(),
    defaults: { openRate: 0, maxUnconfirmedPerNetwork: 0 },
  };
}
