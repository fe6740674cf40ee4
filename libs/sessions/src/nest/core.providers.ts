import { join } from 'node:path';
import { Logger, type Provider } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Cleanup } from '../core/cleanup/cleanup.js';
import { resolveConfig, type SessionsConfig } from '../core/config/config.js';
import { SessionsCore } from '../core/core.js';
import { SessionEventBus } from '../core/watch/event-bus.js';
import { SessionService } from '../core/sessions/session.service.js';
import { AnchoredClock } from '../core/process/system-clock.js';
import { Clock } from '../ports/clock.js';
import { SessionsError } from '../domain/errors.js';
import { FileStorage } from '../ports/file-storage.js';
import { SessionStore } from '../ports/session-store.js';
import { markerVersion } from '../storage/local/root/marker.js';
import { MARKER_NAME } from '../storage/local/folders/paths.js';
import { LocalFileStorage } from '../storage/local/local-file-storage.js';
import { MemorySessionStore } from '../stores/memory/memory-session-store.js';
import { SqliteSessionStore } from '../stores/sqlite/sqlite-session-store.js';
import { createRedisStore } from '../assembly/redis-store.factory.js';
import { MODULE_OPTIONS_TOKEN, type SessionsModuleOptions } from './sessions.module-definition.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';

/** The embedded database, in the storage root, beside the files. */
const DATABASE = 'sessions.db';

function createStorage(
  { adapters }: SessionsModuleOptions,
  config: SessionsConfig,
  clock: Clock,
): FileStorage {
  const logger = new Logger('SessionStorage');
  return (
    adapters?.storage ??
    new LocalFileStorage({
      root: config.storagePath,
      adoptFrom: config.adoptFrom,
      minFreeBytes: config.minFreeBytes,
      minFreeInodes: config.minFreeInodes,
      ballastBytes: config.store === 'sqlite' ? config.ballastBytes : 0,
      reservedNames: [DATABASE],
      monotonicMs: () => clock.monotonic(),
      onWarning: (message) => logger.warn(message),
    })
  );
}

async function createStore(
  { adapters }: SessionsModuleOptions,
  config: SessionsConfig,
  storage: FileStorage,
  role: 'server' | 'cli',
): Promise<SessionStore> {
  if (adapters?.store) return adapters.store;
  if (config.store === 'memory') return new MemorySessionStore();
  if (config.store === 'redis') return createRedisStore(config.redis, role);
  return new SqliteSessionStore({
    path: join(config.storagePath, DATABASE),
    mustExist: role === 'cli',
    onDiskFull: () => storage.dropBallast(),
  });
}

/** Commands make no storage. Beside SQLite the missing database tells; Redis answers wherever the files are. */
async function expectFiles({ adapters }: SessionsModuleOptions, config: SessionsConfig): Promise<void> {
  if (adapters?.storage || config.store !== 'redis') return;
  if ((await markerVersion(join(config.storagePath, MARKER_NAME))) !== null) return;
  throw new SessionsError('STORAGE_UNAVAILABLE', 'There are no files of sessions at this path');
}

function roleOf({ adapters }: SessionsModuleOptions, host: HttpAdapterHost | undefined): 'server' | 'cli' {
  return adapters?.role ?? (host?.httpAdapter ? 'server' : 'cli');
}

/** Connects the parts of one process; without a `host` that listens they are those of a command. */
export async function startCore(
  options: SessionsModuleOptions,
  config: SessionsConfig,
  clock: Clock,
  host: HttpAdapterHost | undefined,
): Promise<SessionsCore> {
  const role = roleOf(options, host);
  if (role === 'cli') await expectFiles(options, config);
  const storage = createStorage(options, config, clock);
  const store = await createStore(options, config, storage, role);
  const core = new SessionsCore({ config, store, storage, clock, role, logFor: (part) => new Logger(part) });
  try {
    await core.start();
  } catch (error) {
    await core.stop();
    throw error;
  }
  return core;
}

export const coreProviders: Provider[] = [
  {
    provide: SESSIONS_CONFIG,
    useFactory: ({ adapters: _adapters, ...options }: SessionsModuleOptions) => resolveConfig(options),
    inject: [MODULE_OPTIONS_TOKEN],
  },
  {
    provide: Clock,
    useFactory: ({ adapters }: SessionsModuleOptions) => adapters?.clock ?? new AnchoredClock(),
    inject: [MODULE_OPTIONS_TOKEN],
  },
  {
    provide: SessionsCore,
    useFactory: startCore,
    inject: [MODULE_OPTIONS_TOKEN, SESSIONS_CONFIG, Clock, { token: HttpAdapterHost, optional: true }],
  },
  { provide: SessionStore, useFactory: (core: SessionsCore) => core.store, inject: [SessionsCore] },
  { provide: FileStorage, useFactory: (core: SessionsCore) => core.storage, inject: [SessionsCore] },
  { provide: SessionService, useFactory: (core: SessionsCore) => core.service, inject: [SessionsCore] },
  { provide: SessionEventBus, useFactory: (core: SessionsCore) => core.events, inject: [SessionsCore] },
  { provide: Cleanup, useFactory: (core: SessionsCore) => core.cleanup, inject: [SessionsCore] },
];
