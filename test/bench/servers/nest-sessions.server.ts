import { CurrentSession, SessionsModule, type Session, type SessionsModuleOptions } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { listen, moduleOf, sessionController } from './nest-app.ts';
import { cartSeen, type Cart } from './peer-store.ts';
import type { RunningServer, ServerSetup } from './server.ts';
import { sessionHandlers } from './session-handlers.ts';

declare module 'nest-sessions' {
  interface SessionDataTypes {
    cart: Cart;
  }
}

export type SessionHandler = (session: Session) => object | Promise<object>;

const tellId: SessionHandler = ({ id }) => ({ id });
/** Each visitor's first request, which is not measured, writes what the others read. */
export const readCart: SessionHandler = async (session) => {
  const cart = await session.get('cart');
  if (cart === undefined) await session.set('cart', cartSeen(0));
  return { id: session.id, seen: cart?.seen ?? 0 };
};
export const writeCart: SessionHandler = async (session) => {
  const cart = await session.get('cart');
  await session.set('cart', cartSeen((cart?.seen ?? 0) + 1));
  return { id: session.id };
};

/** Its defaults, but for how many sessions there may be, and how fast one address may begin them. */
export function benchOptions(
  { folder, redisPort }: ServerSetup,
  options: SessionsModuleOptions,
): SessionsModuleOptions {
  return {
    storagePath: folder,
    ...(redisPort !== null && { redisUrls: [`redis://127.0.0.1:${redisPort}`] }),
    openRate: 100_000_000,
    maxUnconfirmedPerNetwork: 0,
    maxSessionsPerNetwork: 0,
    maxSessions: 10_000_000,
    // Whoever measures a cleanup starts it.
    cleanupIntervalSeconds: 86_400,
    ...options,
  };
}

export async function startNestSessions(
  setup: ServerSetup,
  options: SessionsModuleOptions,
  handler: SessionHandler = tellId,
): Promise<RunningServer> {
  const { adapter, folder } = setup;
  const module = SessionsModule.forRoot(benchOptions(setup, options));
  const controller = sessionController(handler, CurrentSession());
  const admin = options.adminTokens === undefined ? [] : [{ module: SessionsAdminModule }];
  const { app, port } = await listen(adapter, moduleOf([controller], [module, ...admin]));
  return { port, handlers: sessionHandlers(app, folder), stop: () => app.close() };
}
