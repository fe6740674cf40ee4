import { join } from 'node:path';
import { resolveConfig, type SessionsConfig } from '../core/config/config.js';
import { labelOf } from '../core/config/options.js';
import { nearMissesIn } from '../core/config/near-misses.js';
import { SessionsCore } from '../core/core.js';
import type { LogFor } from '../core/watch/log.js';
import { QUOTAS } from '../domain/budgets.js';
import { SessionsError } from '../domain/errors.js';
import { refuseOldNode } from '../domain/supported-node.js';
import type { Clock } from '../ports/clock.js';
import type { FileStorage } from '../ports/storage/file-storage.js';
import type { SessionStore } from '../ports/store/session-store.js';
import type { StorageRoot } from '../ports/storage/storage-root.js';
import { createLocalStorage, type LocalStorage } from '../storage/local/create-local-storage.js';
import { MARKER_NAME } from '../storage/local/folders/paths.js';
import { markerVersion } from '../storage/local/root/marker.js';
import { AbsentStorageRoot } from '../storage/memory/absent-storage-root.js';
import { MemoryFileStorage } from '../storage/memory/memory-file-storage.js';
import { MemoryStorageRoot } from '../storage/memory/memory-storage-root.js';
import { MemorySessionStore } from '../stores/sqlite/memory-session-store.js';
import { SqliteSessionStore } from '../stores/sqlite/sqlite-session-store.js';
import { createRedisStore } from './redis-store.factory.js';
import { keepsFilesInMemory } from './supported-platform.js';

/** The options that bound several sessions. */
const BOUNDS = ['maxSessionsPerUser', 'maxSessionsPerNetwork', ...QUOTAS] as const;

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
  /** Default: the one that this process runs on. */
  readonly platform?: NodeJS.Platform | undefined;
}

/** Creates store and storage by the configuration, and starts the core on them. Closes them if the start fails. */
export async function startCore(options: AssemblyOptions): Promise<SessionsCore> {
  const { config, clock, role, logFor } = options;
  refuseOldNode(process.versions.node);
  warnOfNearMisses(options);
  if (options.storageRoot && !options.storage)
    throw new SessionsError('CONFIG_INVALID', 'adapters.storageRoot requires adapters.storage: pass both.');
  const { storage, storageRoot } = { ...(await createStorage(options)), ...givenStorage(options) };
  const store = options.store ?? (await createStore(options, storageRoot));
  refuseBoundsNotKept(options, store);
  const core = new SessionsCore({ config, store, storage, storageRoot, clock, role, logFor });
  try {
    await core.start();
  } catch (error) {
    await core.stop();
    throw error;
  }
  return core;
}

function warnOfNearMisses({ logFor }: AssemblyOptions): void {
  const log = logFor('Sessions');
  for (const { name, meant } of nearMissesIn(process.env)) {
    log.warn(`The environment variable ${name} sets nothing: if you mean ${meant}, rename it.`);
  }
}

/** A limit that is set must hold; the defaults give way to the store. */
function refuseBoundsNotKept({ config, role, logFor }: AssemblyOptions, store: SessionStore): void {
  if (store.keepsBudgets) return;
  const where = `the store \`${store.kind}\` keeps sessions on several servers (Redis Cluster)`;
  const defaults = resolveConfig({ maxSessions: config.maxSessions }, {});
  const set = BOUNDS.filter((bound) => config[bound] !== 0 && config[bound] !== defaults[bound]);
  if (set.length > 0) {
    const names = set.map(labelOf).join(', ');
    throw new SessionsError(
      'CONFIG_INVALID',
      `${names}: no limit over several sessions is kept where ${where}: set it to 0, or use one Redis server.`,
    );
  }
  if (role === 'server')
    logFor('Sessions').log(`maxSessionsPerNetwork and maxBytesPerNetwork are off: ${where}.`);
}

interface StorageParts {
  readonly storage: FileStorage;
  readonly storageRoot: StorageRoot;
}

function givenStorage({ storage, storageRoot }: AssemblyOptions): Partial<StorageParts> {
  return { ...(storage && { storage }), ...(storageRoot && { storageRoot }) };
}

async function createStorage(options: AssemblyOptions): Promise<StorageParts> {
  const { config, role, logFor, platform = process.platform } = options;
  const isAllGiven = options.store && options.storage && options.storageRoot;
  if (isAllGiven || keepsFilesInMemory(platform, options.store ? { store: 'memory' } : config)) {
    return {
      storage: new MemoryFileStorage({ adoptFrom: config.adoptFrom }),
      storageRoot: new MemoryStorageRoot({ claimTo: config.claimTo }),
    };
  }
  const log = logFor('SessionStorage');
  const local = createLocalStorage({
    root: config.storagePath,
    adoptFrom: config.adoptFrom,
    claimTo: config.claimTo,
    minFreeBytes: config.minFreeBytes,
    minFreeInodes: config.minFreeInodes,
    ballastBytes: config.store === 'sqlite' ? config.ballastBytes : 0,
    reservedNames: [DATABASE],
    onWarning: (message) => log.warn(message),
  });
  const isRemote = role === 'cli' && config.store === 'redis' && !(await isOwnRoot(local, config));
  return isRemote ? withoutRoot(config) : local;
}

/** Whether the storage folder exists, is in use, and is one of this user. */
async function isOwnRoot({ storageRoot }: LocalStorage, { storagePath }: SessionsConfig): Promise<boolean> {
  try {
    await storageRoot.inspect();
    return (await markerVersion(join(storagePath, MARKER_NAME))) !== null;
  } catch {
    return false;
  }
}

/** On Redis, commands see all sessions from any machine; each node deletes its own files. */
function withoutRoot({ storagePath }: SessionsConfig): StorageParts {
  return { storage: new MemoryFileStorage(), storageRoot: new AbsentStorageRoot(storagePath) };
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
