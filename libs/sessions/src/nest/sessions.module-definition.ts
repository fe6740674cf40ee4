import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SessionsOptions } from '../core/config/config.js';
import type { Clock } from '../ports/clock.js';
import type { FileStorage } from '../ports/file-storage.js';
import type { SessionStore } from '../ports/session-store.js';

/** Parts that take the place of the built-in ones; not yet connected ones: the module connects and closes them. */
export interface SessionsAdapters {
  readonly store?: SessionStore;
  readonly storage?: FileStorage;
  readonly clock?: Clock;
  /**
   * `server` cleans up on schedule; `cli` never does, and never creates a store. Default: `server` in an application
   * that listens, `cli` in a bare application context.
   */
  readonly role?: 'server' | 'cli';
}

export interface SessionsModuleOptions extends SessionsOptions {
  readonly adapters?: SessionsAdapters;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SessionsModuleOptions>({ moduleName: 'Sessions' })
    .setClassMethodName('forRoot')
    .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();
