export { ManualClock } from './manual-clock.js';
export { inMemoryAdapters, type InMemoryAdapters } from './in-memory.js';
export { MemorySessionStore } from '../stores/sqlite/memory-session-store.js';
export { MemoryFileStorage } from '../storage/memory/memory-file-storage.js';
export { MemoryStorageRoot } from '../storage/memory/memory-storage-root.js';
export { sessionStoreContract, type SessionStoreCase } from './session-store.contract.js';
export { fileStorageContract, type FileStorageCase } from './file-storage.contract.js';
export { storageRootContract, type StorageRootCase } from './storage-root.contract.js';
