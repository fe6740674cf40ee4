import { Logger, type Provider, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { startCore } from '../assembly/start-core.js';
import { Cleanup } from '../core/cleanup/cleanup.js';
import { resolveConfig, type SessionsConfig } from '../core/config/config.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';
import { SessionsCore } from '../core/core.js';
import { AnchoredClock } from '../core/clock/system-clock.js';
import { SessionService } from '../core/sessions/session.service.js';
import { SessionEventBus } from '../core/watch/event-bus.js';
import { RepeatedFailures } from '../core/watch/repeated-failures.js';
import { SessionsError } from '../domain/errors.js';
import { requireUsableRoutes } from '../http/upload/upload-routes.js';
import { Clock } from '../ports/clock.js';
import { FileStorage } from '../ports/storage/file-storage.js';
import { SessionStore } from '../ports/store/session-store.js';
import { StorageRoot } from '../ports/storage/storage-root.js';
import {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type SessionsModuleOptions,
} from './sessions.module-definition.js';

/** A bare application context has no HTTP adapter: its default role is `cli`. */
function startInApp(
  { adapters }: SessionsModuleOptions,
  config: SessionsConfig,
  clock: Clock,
  host: HttpAdapterHost | undefined,
): Promise<SessionsCore> {
  return startCore({
    config,
    clock,
    role: adapters?.role ?? (host?.httpAdapter ? 'server' : 'cli'),
    logFor: (part) => new Logger(part),
    store: adapters?.store,
    storage: adapters?.storage,
    storageRoot: adapters?.storageRoot,
  });
}

/** Two modules would open two sessions for each request, and run every cleanup twice. */
function refuseSecond(modules: ModulesContainer): void {
  const isOurs = ({ metatype }: { metatype: Type }): boolean =>
    metatype?.prototype instanceof ConfigurableModuleClass;
  if ([...modules.values()].filter(isOurs).length < 2) return;
  throw new SessionsError(
    'CONFIG_INVALID',
    'SessionsModule is imported twice in this application: call forRoot or forRootAsync once. The module is global; with isGlobal: false, import what that one call returned.',
  );
}

export const coreProviders: Provider[] = [
  {
    provide: SESSIONS_CONFIG,
    useFactory: ({ adapters, ...options }: SessionsModuleOptions, modules: ModulesContainer) => {
      refuseSecond(modules);
      const config = resolveConfig(options, process.env, adapters?.defaults);
      requireUsableRoutes(modules, config);
      return config;
    },
    inject: [MODULE_OPTIONS_TOKEN, ModulesContainer],
  },
  {
    provide: Clock,
    useFactory: ({ adapters }: SessionsModuleOptions) => adapters?.clock ?? new AnchoredClock(),
    inject: [MODULE_OPTIONS_TOKEN],
  },
  {
    provide: SessionsCore,
    useFactory: startInApp,
    inject: [MODULE_OPTIONS_TOKEN, SESSIONS_CONFIG, Clock, { token: HttpAdapterHost, optional: true }],
  },
  { provide: SessionStore, useFactory: (core: SessionsCore) => core.store, inject: [SessionsCore] },
  { provide: FileStorage, useFactory: (core: SessionsCore) => core.storage, inject: [SessionsCore] },
  { provide: StorageRoot, useFactory: (core: SessionsCore) => core.storageRoot, inject: [SessionsCore] },
  { provide: SessionService, useFactory: (core: SessionsCore) => core.service, inject: [SessionsCore] },
  { provide: SessionEventBus, useFactory: (core: SessionsCore) => core.events, inject: [SessionsCore] },
  { provide: RepeatedFailures, useFactory: (core: SessionsCore) => core.failures, inject: [SessionsCore] },
  { provide: Cleanup, useFactory: (core: SessionsCore) => core.cleanup, inject: [SessionsCore] },
];
