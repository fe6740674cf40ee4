import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { Cleanup } from '../core/cleanup/cleanup.js';
import { SessionsCore } from '../core/core.js';
import { SessionEventBus } from '../core/watch/event-bus.js';
import { RepeatedFailures } from '../core/watch/repeated-failures.js';
import { SessionService } from '../core/sessions/session.service.js';
import { EventStreamGuard } from '../http/session/event-stream.guard.js';
import { SessionInterceptor } from '../http/session/session.interceptor.js';
import { SessionResolver } from '../http/session/session-resolver.js';
import { EmptyJson } from '../http/empty-json.js';
import { SessionsErrorFilter } from '../http/server/sessions-error.filter.js';
import { UploadBodyParser } from '../http/upload/upload-body-parser.js';
import { Clock } from '../ports/clock.js';
import { FileStorage } from '../ports/storage/file-storage.js';
import { SessionStore } from '../ports/store/session-store.js';
import { StorageRoot } from '../ports/storage/storage-root.js';
import { coreProviders } from './core.providers.js';
import { ConfigurableModuleClass, type OPTIONS_TYPE } from './sessions.module-definition.js';
import { SessionsLifecycle } from './sessions.lifecycle.js';
import { SessionsTasks } from './sessions.tasks.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';

/**
 * Import it once, with `forRoot` or `forRootAsync`. Every request then has a session, every session stays within its
 * limits, and its files and streams are cleaned up after its end. Global unless `isGlobal` is `false`.
 */
@Module({
  providers: [
    ...coreProviders,
    SessionResolver,
    UploadBodyParser,
    EmptyJson,
    SessionsTasks,
    SessionsLifecycle,
    { provide: APP_GUARD, useClass: EventStreamGuard },
    { provide: APP_INTERCEPTOR, useClass: SessionInterceptor },
    { provide: APP_FILTER, useClass: SessionsErrorFilter },
  ],
  exports: [
    SESSIONS_CONFIG,
    Clock,
    SessionsCore,
    SessionStore,
    FileStorage,
    StorageRoot,
    SessionService,
    SessionEventBus,
    RepeatedFailures,
    Cleanup,
    SessionResolver,
  ],
})
export class SessionsModule extends ConfigurableModuleClass {
  /** Options win over environment variables, which win over the defaults. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }
}
