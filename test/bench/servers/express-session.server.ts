import { RedisStore } from 'connect-redis';
import session, { MemoryStore, type Store } from 'express-session';
import { createClient } from 'redis';
import { listen, moduleOf, sessionController } from './nest-app.ts';
import { storeHandlers, tellId, type PeerHandler, type PeerSession } from './peer-store.ts';
import type { RunningServer, ServerSetup } from './server.ts';

const IDLE_MS = 15 * 60_000;

/** As its users configure 15 minutes of idle time: a cookie that is renewed with each response. */
export async function startExpressSession(
  { adapter, redisPort }: ServerSetup,
  handler: PeerHandler = tellId,
): Promise<RunningServer> {
  const client = redisPort === null ? null : createClient({ url: `redis://127.0.0.1:${redisPort}` });
  await client?.connect();
  const store: Store = client ? new RedisStore({ client }) : new MemoryStore();
  const controller = sessionController(({ session: known }: { session: PeerSession & { id: string } }) =>
    handler(known, known.id),
  );
  const { app, port } = await listen(adapter, moduleOf([controller]), (app) =>
    app.use(
      session({
        store,
        secret: 'a secret of the benchmark, and of nobody else',
        resave: false,
        saveUninitialized: true,
        rolling: true,
        cookie: { maxAge: IDLE_MS, httpOnly: true, sameSite: 'lax' },
      }),
    ),
  );
  return {
    port,
    handlers: storeHandlers(store),
    async stop() {
      await app.close();
      client?.destroy();
    },
  };
}
