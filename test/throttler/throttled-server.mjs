// node throttled-server.mjs OPTIONS: a Nest app whose one route lets 5 requests a minute through. OPTIONS: JSON for SessionsModule.
// Tells its port to its parent.
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { SessionsModule } from 'nest-sessions';
import { SessionsThrottler, SessionsThrottlerModule } from 'nest-sessions/throttler';

class OneRoute {
  get() {
    return 'here';
  }
}
Controller()(OneRoute);
Get()(OneRoute.prototype, 'get', Object.getOwnPropertyDescriptor(OneRoute.prototype, 'get'));

class Server {
  kind = 'root';
}
Module({
  imports: [
    SessionsModule.forRoot(JSON.parse(process.argv[2])),
    ThrottlerModule.forRootAsync({
      imports: [SessionsThrottlerModule],
      inject: [SessionsThrottler],
      useFactory: (sessions) => ({
        throttlers: [{ ttl: 60_000, limit: 5 }],
        storage: sessions,
        getTracker: sessions.getTracker,
      }),
    }),
  ],
  controllers: [OneRoute],
  providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
})(Server);

const app = await NestFactory.create(Server, { logger: false });
await app.listen(0, '127.0.0.1');
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
process.send(app.getHttpServer().address().port);
