import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SessionsOptions } from '../core/config/config.js';
import type { Clock } from '../ports/clock.js';
import type { FileStorage } from '../ports/storage/file-storage.js';
import type { SessionStore } from '../ports/store/session-store.js';
import type { StorageRoot } from '../ports/storage/storage-root.js';

/** Parts that replace the built-in ones. Pass them unconnected: the module connects and closes them. */
export interface SessionsAdapters {
  readonly store?: SessionStore | undefined;
  readonly storage?: FileStorage | undefined;
  /** Only together with `storage`. Default: the folder at `storagePath`, whatever keeps the files. */
  readonly storageRoot?: StorageRoot | undefined;
  readonly clock?: Clock | undefined;
  /** Defaults that suit these parts: options and the environment win. */
  readonly defaults?: SessionsOptions | undefined;
  /**
   * `server` runs scheduled cleanups; `cli` never does, and never creates a store. Default: `server` in an application
   * with an HTTP adapter, `cli` in a bare application context.
   */
  readonly role?: 'server' | 'cli' | undefined;
}

export interface SessionsModuleOptions extends SessionsOptions {
  readonly adapters?: SessionsAdapters | undefined;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SessionsModuleOptions>({ moduleName: 'Sessions' })
    .setClassMethodName('forRoot')
    .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();
