// node throttled-server.mjs OPTIONS [REDIS]: a Nest app whose one route lets 5 requests a minute through. OPTIONS: JSON for
// SessionsModule. REDIS: the URL of the store, which may take its time: a store that is taken for away counts nothing.
// Tells its port to its parent.
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { SessionsModule } from 'nest-sessions';
import { RedisSessionStore } from 'nest-sessions/redis';
import { SessionsThrottler, SessionsThrottlerModule } from 'nest-sessions/throttler';

const [options, redis] = process.argv.slice(2);
const adapters = redis && { store: new RedisSessionStore({ url: redis, timeoutMs: 30_000 }) };

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
    SessionsModule.forRoot({ ...JSON.parse(options), ...(adapters && { adapters }) }),
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
