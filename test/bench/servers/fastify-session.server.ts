import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';
import { listen, moduleOf, sessionController } from './nest-app.ts';
import { tellId, type PeerHandler, type PeerSession } from './peer-store.ts';
import type { RunningServer, ServerSetup } from './server.ts';

const IDLE_MS = 15 * 60_000;

/** As its users configure 15 minutes of idle time: a cookie that is renewed with each response. */
export async function startFastifySession(
  { adapter, redisPort }: ServerSetup,
  handler: PeerHandler = tellId,
): Promise<RunningServer> {
  const client = redisPort === null ? null : createClient({ url: `redis://127.0.0.1:${redisPort}` });
  await client?.connect();
  const controller = sessionController(
    ({ session: known }: { session: PeerSession & { sessionId: string } }) => handler(known, known.sessionId),
  );
  const { app, port } = await listen(adapter, moduleOf([controller]), async (app) => {
    const fastify = app as NestFastifyApplication;
    await fastify.register(fastifyCookie as never);
    await fastify.register(fastifySession, {
      ...(client && { store: new RedisStore({ client }) }),
      secret: 'a secret of the benchmark, and of nobody else',
      saveUninitialized: true,
      rolling: true,
      cookie: { maxAge: IDLE_MS, httpOnly: true, sameSite: 'lax', secure: false },
    } as never);
  });
  return {
    port,
    async stop() {
      await app.close();
      client?.destroy();
    },
  };
}
