import { createRequire } from 'node:module';
import type { DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { CurrentSession, SessionsModule, type Session, type SessionsModuleOptions } from 'nest-sessions';
import { SessionsThrottler, SessionsThrottlerModule } from 'nest-sessions/throttler';
import { listen, moduleOf, sessionController } from './nest-app.ts';
import { benchOptions } from './nest-sessions.server.ts';
import type { RunningServer, ServerSetup } from './server.ts';
import { sessionHandlers } from './session-handlers.ts';

/** No request of the benchmark is refused. */
const THROTTLERS = [{ ttl: 60_000, limit: 100_000_000 }];

/** Limits each visitor by the session, as an application would; the session itself is read and touched too. */
export async function startThrottledSessions(
  setup: ServerSetup,
  options: SessionsModuleOptions,
): Promise<RunningServer> {
  const sessions = SessionsModule.forRoot(benchOptions(setup, options));
  const throttler = ThrottlerModule.forRootAsync({
    imports: [SessionsThrottlerModule],
    inject: [SessionsThrottler],
    useFactory: (counter: SessionsThrottler): ThrottlerModuleOptions => ({
      throttlers: THROTTLERS,
      storage: counter,
      getTracker: counter.getTracker,
    }),
  });
  const controller = sessionController((session: Session) => ({ id: session.id }), CurrentSession());
  const { app, port } = await listen(setup.adapter, guarded([controller], [sessions, throttler]));
  return { port, handlers: sessionHandlers(app, setup.folder), stop: () => app.close() };
}

/** The throttler's own storage, or that of `@nest-lab/throttler-storage-redis`: visitors are told apart by their cookies. */
export async function startThrottled({ adapter, redisPort }: ServerSetup): Promise<RunningServer> {
  const redis = redisPort === null ? null : redisStorage(redisPort);
  const throttler = ThrottlerModule.forRoot({
    throttlers: THROTTLERS,
    ...(redis && { storage: redis }),
    getTracker: ({ headers }) => String(headers.cookie),
  });
  const controller = sessionController(() => ({ id: '' }));
  const { app, port } = await listen(adapter, guarded([controller], [throttler]));
  return { port, stop: () => app.close() };
}

function guarded(controllers: Parameters<typeof moduleOf>[0], imports: DynamicModule[]) {
  return moduleOf(controllers, imports, [{ provide: APP_GUARD, useClass: ThrottlerGuard }]);
}

/** CommonJS, and of packages that only the benchmark has. */
function redisStorage(
  port: number,
): NonNullable<Extract<ThrottlerModuleOptions, { storage?: unknown }>['storage']> {
  const { ThrottlerStorageRedisService } = createRequire(import.meta.url)(
    '@nest-lab/throttler-storage-redis',
  );
  return new ThrottlerStorageRedisService(`redis://127.0.0.1:${port}`);
}
