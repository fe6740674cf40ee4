import { join } from 'node:path';
import type { SessionsConfig } from '../core/config/config.js';
import { SessionsCore } from '../core/core.js';
import type { LogFor } from '../core/watch/log.js';
import { SessionsError } from '../domain/errors.js';
import { refuseOldNode } from '../domain/supported-node.js';
import type { Clock } from '../ports/clock.js';
import type { FileStorage } from '../ports/file-storage.js';
import type { SessionStore } from '../ports/session-store.js';
import type { StorageRoot } from '../ports/storage-root.js';
import { createLocalStorage, type LocalStorage } from '../storage/local/create-local-storage.js';
import { MARKER_NAME } from '../storage/local/folders/paths.js';
import { markerVersion } from '../storage/local/root/marker.js';
import { MemorySessionStore } from '../stores/sqlite/memory-session-store.js';
import { SqliteSessionStore } from '../stores/sqlite/sqlite-session-store.js';
import { createRedisStore } from './redis-store.factory.js';

/** File name of the embedded database, in the storage root. */
const DATABASE = 'sessions.db';

/** The parts of one process. A given store, storage or storage root replaces the configured one. */
export interface AssemblyOptions {
  readonly config: SessionsConfig;
  readonly clock: Clock;
  readonly role: 'server' | 'cli';
  readonly logFor: LogFor;
  readonly store?: SessionStore | undefined;
  readonly storage?: FileStorage | undefined;
  readonly storageRoot?: StorageRoot | undefined;
}

/** Creates store and storage by the configuration, and starts the core on them. Closes them if the start fails. */
export async function startCore(options: AssemblyOptions): Promise<SessionsCore> {
  const { config, clock, role, logFor } = options;
  refuseOldNode(process.versions.node);
  if (role === 'cli') await requireStorageRoot(options);
  if (options.storageRoot && !options.storage)
    throw new SessionsError('CONFIG_INVALID', 'adapters.storageRoot requires adapters.storage: pass both.');
  const local = createStorage(options);
  const { storage = local.storage, storageRoot = local.storageRoot } = options;
  const store = options.store ?? (await createStore(options, storageRoot));
  const core = new SessionsCore({ config, store, storage, storageRoot, clock, role, logFor });
  try {
    await core.start();
  } catch (error) {
    await core.stop();
    throw error;
  }
  return core;
}

/** Commands create no storage root. SQLite reports a wrong path by the missing database; Redis would not. */
async function requireStorageRoot({ storageRoot, config }: AssemblyOptions): Promise<void> {
  if (storageRoot || config.store !== 'redis') return;
  if ((await markerVersion(join(config.storagePath, MARKER_NAME))) !== null) return;
  throw new SessionsError('STORAGE_UNAVAILABLE', 'storagePath is not a storage root');
}

function createStorage({ config, clock, logFor }: AssemblyOptions): LocalStorage {
  const log = logFor('SessionStorage');
  return createLocalStorage({
    root: config.storagePath,
    adoptFrom: config.adoptFrom,
    minFreeBytes: config.minFreeBytes,
    minFreeInodes: config.minFreeInodes,
    ballastBytes: config.store === 'sqlite' ? config.ballastBytes : 0,
    reservedNames: [DATABASE],
    monotonicMs: () => clock.monotonic(),
    onWarning: (message) => log.warn(message),
  });
}

async function createStore(
  { config, role }: AssemblyOptions,
  storageRoot: StorageRoot,
): Promise<SessionStore> {
  if (config.store === 'memory') return new MemorySessionStore();
  if (config.store === 'redis') return createRedisStore(config, role);
  return new SqliteSessionStore({
    path: join(config.storagePath, DATABASE),
    mustExist: role === 'cli',
    onDiskFull: () => storageRoot.dropBallast(),
  });
}
