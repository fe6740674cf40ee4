import type { SessionsModuleOptions } from 'nest-sessions';
import type { PeerHandler } from './peer-store.ts';
import type { AdapterName, RunningServer, ServerSetup } from './server.ts';

/** Something that serves `GET /session`, and can be measured against the others. */
export interface Contender {
  readonly name: string;
  readonly adapters: readonly AdapterName[];
  readonly needsRedis: boolean;
  /** Whether it knows sessions at all. */
  readonly hasSessions: boolean;
  start(setup: ServerSetup): Promise<RunningServer>;
}

const BOTH = ['express', 'fastify'] as const;
const KEEPS_NOTHING = { needsRedis: false, hasSessions: false };
const IN_PROCESS = { needsRedis: false, hasSessions: true };
const IN_REDIS = { needsRedis: true, hasSessions: true };

export const BARE = 'bare Nest';
export const NO_OP = 'an interceptor that does nothing';
export const SQLITE = 'nest-sessions, SQLite';
export const REDIS = 'nest-sessions, Redis';
export const EXPRESS_REDIS = 'express-session, connect-redis';
export const FASTIFY_REDIS = '@fastify/session, connect-redis';
/** With the admin's routes, which only the table of pages asks for. */
export const SQLITE_ADMIN = 'nest-sessions, SQLite, with admin';
export const REDIS_ADMIN = 'nest-sessions, Redis, with admin';
export const ADMIN_TOKEN = 'the-operator-of-the-benchmark-reads-pages';

/** In the order of the tables. */
export const CONTENDERS: readonly Contender[] = [
  { name: BARE, adapters: BOTH, ...KEEPS_NOTHING, start: (setup) => plain(setup, false) },
  { name: NO_OP, adapters: BOTH, ...KEEPS_NOTHING, start: (setup) => plain(setup, true) },
  nestSessions(SQLITE, { store: 'sqlite' }),
  nestSessions(`${SQLITE}, cache: false`, { store: 'sqlite', cache: false }),
  nestSessions(REDIS, { store: 'redis' }),
  nestSessions(`${REDIS}, cache: false`, { store: 'redis', cache: false }),
  nestSessions('nest-sessions, memory', { store: 'memory' }),
  nestSessions('nest-sessions, memory, cache: false', { store: 'memory', cache: false }),
  {
    name: 'express-session, memory',
    adapters: ['express'],
    ...IN_PROCESS,
    start: (setup) => expressSession(setup),
  },
  { name: EXPRESS_REDIS, adapters: ['express'], ...IN_REDIS, start: (setup) => expressSession(setup) },
  {
    name: '@fastify/session, memory',
    adapters: ['fastify'],
    ...IN_PROCESS,
    start: (setup) => fastifySession(setup),
  },
  { name: FASTIFY_REDIS, adapters: ['fastify'], ...IN_REDIS, start: (setup) => fastifySession(setup) },
];

const WITH_ADMIN: readonly Contender[] = [
  nestSessions(SQLITE_ADMIN, { store: 'sqlite', adminTokens: [ADMIN_TOKEN] }),
  nestSessions(REDIS_ADMIN, { store: 'redis', adminTokens: [ADMIN_TOKEN] }),
];

/** With a rate limit for each visitor, beside the same without one. */
export const THROTTLED: readonly { readonly base: Contender; readonly throttled: Contender }[] = [
  { base: named(BARE), throttled: throttled('throttler, memory', false) },
  { base: named(BARE), throttled: throttled('throttler, @nest-lab/throttler-storage-redis', true) },
  {
    base: named(SQLITE),
    throttled: throttledSessions('nest-sessions/throttler, SQLite', { store: 'sqlite' }),
  },
  { base: named(REDIS), throttled: throttledSessions('nest-sessions/throttler, Redis', { store: 'redis' }) },
];

/** A request that reads one key of its session's data, and one that writes one, beside the same without data. */
export const WITH_DATA: readonly { readonly base: Contender; readonly use: Contender }[] = (
  ['reads', 'writes'] as const
).flatMap((use) => [
  { base: named(SQLITE), use: withData(SQLITE, { store: 'sqlite' }, use) },
  { base: named(REDIS), use: withData(REDIS, { store: 'redis' }, use) },
  { base: named(EXPRESS_REDIS), use: peerWithData(EXPRESS_REDIS, ['express'], expressSession, use) },
  { base: named(FASTIFY_REDIS), use: peerWithData(FASTIFY_REDIS, ['fastify'], fastifySession, use) },
]);

/** With timelines that tell of requests, or of nothing, beside those of the default. */
export const JOURNALED: readonly { readonly base: Contender; readonly added: Contender }[] = (
  [
    [SQLITE, 'sqlite'],
    [REDIS, 'redis'],
  ] as const
).flatMap(([name, store]) => {
  const off = nestSessions(`${name}, journal: off`, { store, journal: 'off' });
  return [
    { base: off, added: named(name) },
    { base: off, added: nestSessions(`${name}, journal: requests`, { store, journal: 'requests' }) },
  ];
});

export function contenderNamed(name: string): Contender {
  const limited = THROTTLED.map(({ throttled: contender }) => contender);
  const using = WITH_DATA.map(({ use }) => use);
  const journaled = JOURNALED.flatMap(({ base, added }) => [base, added]);
  const found = [...CONTENDERS, ...WITH_ADMIN, ...limited, ...using, ...journaled].find(
    (contender) => contender.name === name,
  );
  if (!found) throw new Error(`There is no contender ${name}.`);
  return found;
}

function nestSessions(name: string, options: SessionsModuleOptions): Contender {
  return {
    name,
    adapters: BOTH,
    ...(options.store === 'redis' ? IN_REDIS : IN_PROCESS),
    start: async (setup) => (await import('./nest-sessions.server.ts')).startNestSessions(setup, options),
  };
}

function named(name: string): Contender {
  const found = CONTENDERS.find((contender) => contender.name === name);
  if (!found) throw new Error(`There is no contender ${name}.`);
  return found;
}

function throttled(name: string, needsRedis: boolean): Contender {
  return {
    name,
    adapters: BOTH,
    needsRedis,
    hasSessions: false,
    start: async (setup) => (await import('./throttled.server.ts')).startThrottled(setup),
  };
}

function throttledSessions(name: string, options: SessionsModuleOptions): Contender {
  return {
    ...nestSessions(name, options),
    start: async (setup) => (await import('./throttled.server.ts')).startThrottledSessions(setup, options),
  };
}

async function plain(setup: ServerSetup, withInterceptor: boolean): Promise<RunningServer> {
  return (await import('./plain.server.ts')).startPlain(setup, withInterceptor);
}

type Use = 'reads' | 'writes';

function withData(name: string, options: SessionsModuleOptions, use: Use): Contender {
  return {
    ...nestSessions(`${name}, ${use} a key`, options),
    start: async (setup) => {
      const { readCart, startNestSessions, writeCart } = await import('./nest-sessions.server.ts');
      return startNestSessions(setup, options, use === 'reads' ? readCart : writeCart);
    },
  };
}

function peerWithData(
  name: string,
  adapters: readonly AdapterName[],
  start: (setup: ServerSetup, handler: PeerHandler) => Promise<RunningServer>,
  use: Use,
): Contender {
  return {
    name: `${name}, ${use} a key`,
    adapters,
    ...IN_REDIS,
    start: async (setup) => {
      const { readCart, writeCart } = await import('./peer-store.ts');
      return start(setup, use === 'reads' ? readCart : writeCart);
    },
  };
}

async function expressSession(setup: ServerSetup, handler?: PeerHandler): Promise<RunningServer> {
  return (await import('./express-session.server.ts')).startExpressSession(setup, handler);
}

async function fastifySession(setup: ServerSetup, handler?: PeerHandler): Promise<RunningServer> {
  return (await import('./fastify-session.server.ts')).startFastifySession(setup, handler);
}
