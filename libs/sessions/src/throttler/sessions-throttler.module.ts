import { Module, type DynamicModule } from '@nestjs/common';
import { SessionsThrottler, THROTTLER_OPTIONS, type SessionsThrottlerOptions } from './sessions-throttler.js';

/**
 * Provides `SessionsThrottler` for the `storage` and `getTracker` of `ThrottlerModule.forRootAsync`. Import it there, beside a
 * global `SessionsModule`; `register` for options.
 */
@Module({
  providers: [SessionsThrottler, { provide: THROTTLER_OPTIONS, useValue: {} }],
  exports: [SessionsThrottler],
})
export class SessionsThrottlerModule {
  static register(options: SessionsThrottlerOptions): DynamicModule {
    return {
      module: SessionsThrottlerModule,
      providers: [{ provide: THROTTLER_OPTIONS, useValue: options }],
    };
  }
}
