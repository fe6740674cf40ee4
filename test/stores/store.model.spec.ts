import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { countedOf, NO_BUDGETS } from '#sessions/domain/budgets';
import { beat } from '#sessions/testing/store/store.fixtures';
import { authorityOf, END_REASONS, type NewSession } from '#sessions/domain/session';
import type { NewToken, OpeningLimits, SessionStore } from '#sessions/ports/store/session-store';
import { WrappedStore } from '#sessions/ports/store/wrapped-store';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { RedisSessionStore } from '#sessions/redis/index';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { RedisServer } from '../support/redis-servers.js';

/** Few ids, so that commands collide. */
const SESSIONS = Array.from({ length: 4 }, (_, n) => `5e550000-0000-4000-8000-00000000000${n}`);
const RESOURCES = Array.from({ length: 6 }, (_, n) => `5e500000-0000-4000-8000-00000000000${n}`);
const TOKENS = Array.from({ length: 8 }, (_, n) => `Xl${`token${n}`.padEnd(42, 'x')}A`);
const PROCESSES = ['1a500000-0000-4000-8000-000000000000', '1a500000-0000-4000-8000-000000000001'];
const NODES = ['de000000-0000-4000-8000-000000000000', 'de000000-0000-4000-8000-000000000001'];
const T0 = 1_800_000_000_000;

const session = fc.constantFrom(...SESSIONS);
const resource = fc.constantFrom(...RESOURCES);
const token = fc.constantFrom(...TOKENS);
const node = fc.constantFrom(...NODES);
const processId = fc.constantFrom(...PROCESSES);
const at = fc.integer({ min: 0, max: 200 }).map((seconds) => T0 + seconds * 1000);
const bytes = fc.integer({ min: 0, max: 60 });
/** Hardly ever the same twice, as stores may forget a replaced token when they like. */
const freshToken = fc.nat(9999).map((n) => `Xl${`fresh${n}`.padEnd(42, 'x')}A`);
const authority = fc.constantFrom(null, null, ...TOKENS.map(authorityOf));
const limit = fc.integer({ min: 1, max: 5 });
const rank = fc.constantFrom(undefined, 0, 1, 2);
const limits = fc.constantFrom(
  { maxResources: 3, maxBytes: 100, maxStreams: 2, onLimit: 'evict' as const },
  { maxResources: 3, maxBytes: 100, maxStreams: 2, onLimit: 'reject' as const },
);
/** The most that a session counts for: its own limits. */
const MOST = { resources: 3, bytes: 100 };
const NETWORKS = ['192.0.2.1/32', '192.0.2.2/32'];
const opening = fc.constantFrom<OpeningLimits>(
  ...[0, 2].flatMap((maxSessions) =>
    NETWORKS.map((key) => ({
      maxSessions: 3,
      network: { key, openRate: 0, maxUnconfirmed: 0, maxSessions },
    })),
  ),
  { maxSessions: 3, network: null },
);
const budgets = fc.constantFrom(
  undefined,
  { ...NO_BUDGETS, maxBytesPerUser: 100, maxResourcesPerUser: 3 },
  { ...NO_BUDGETS, maxBytesPerNetwork: 90 },
  { ...NO_BUDGETS, maxTotalBytes: 150 },
);
const lease = fc.record({ processId, nodeId: node, until: at });
const userId = fc.constantFrom('ada', 'Eve 🙂');
/** Some resources in some order, whenever they were last used. */
const candidates = fc
  .uniqueArray(resource, { maxLength: 3 })
  .map((ids) =>
    ids.flatMap((id) => Array.from({ length: 201 }, (_, second) => ({ id, lastUsedAt: T0 + second * 1000 }))),
  );

/** One command, in readable form for failing runs. */
interface Command {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly run: (store: SessionStore) => Promise<unknown>;
}

function command<Args extends unknown[]>(
  name: string,
  args: { [Index in keyof Args]: fc.Arbitrary<Args[Index]> },
  run: (store: SessionStore, ...args: Args) => Promise<unknown>,
): fc.Arbitrary<Command> {
  return fc
    .tuple<Args>(...args)
    .map((drawn) => ({ name, args: drawn, run: (store) => run(store, ...drawn) }));
}

const newSession = fc.record({
  id: session,
  tokenHash: token,
  ipAddress: fc.constant('2001:db8::1'),
  userAgent: fc.string({ unit: 'grapheme', maxLength: 20 }),
  createdAt: at,
  expiresAt: at,
  idleMs: fc.constantFrom(10_000, 60_000, 120_000),
});
const ends = fc.record(
  { expiresAt: at, idleMs: fc.constantFrom(10_000, 90_000), remembered: fc.boolean() },
  { requiredKeys: [] },
);
const newResource = fc
  .record({
    id: resource,
    sessionId: session,
    type: fc.constantFrom('audio_file', 'stream', 'image_file'),
    purpose: fc.option(fc.constant('test')),
    fileName: fc.option(fc.string({ unit: 'grapheme', maxLength: 10 })),
    mediaType: fc.constant(null),
    sizeBytes: bytes,
    createdAt: at,
    processId,
    nodeId: node,
  })
  .map((drawn) => ({ ...drawn, nodeId: drawn.type === 'stream' ? null : drawn.nodeId }));
const change = fc
  .record({
    key: fc.constantFrom('a', 'clé'),
    json: fc.constantFrom('[]', '12345678901234567890', '"ñ"', null),
    expected: fc.constantFrom(undefined, undefined, null, '[]', '"ñ"'),
  })
  .map(({ expected, ...rest }) => ({ ...rest, ...(expected !== undefined && { expected }) }));
/** Few ids, so that some writes are repeats. */
const dataWrite = fc.record({
  operation: fc.nat(20).map((n) => `write${n}`.padEnd(16, '-')),
  // Of one time, past all others: stores may forget a write when they like, later.
  at: fc.constant(T0 + 201_000),
  changes: fc.uniqueArray(change, { selector: ({ key }) => key, minLength: 1, maxLength: 2 }),
  limits: fc.record({ maxBytes: fc.constantFrom(5, 20, 100), maxKeys: fc.constantFrom(1, 2) }),
});
const sort = fc.constantFrom('created_at', '-created_at', 'last_activity', '-last_activity');
const reason = fc.constantFrom(...END_REASONS);

const commands = fc.oneof(
  {
    weight: 4,
    arbitrary: command('open', [newSession, opening], (store, ...args) => store.sessions.open(...args)),
  },
  {
    weight: 4,
    arbitrary: command('reserve', [newResource, limits, budgets], (store, reserved, within, beyond) =>
      store.resources.reserve(reserved, null, within, beyond),
    ),
  },
  {
    weight: 3,
    arbitrary: command('grow', [resource, bytes, limits, budgets], (store, id, more, within, beyond) =>
      store.resources.grow(id, null, more, within, beyond),
    ),
  },
  {
    weight: 1,
    arbitrary: command('noteStall', [resource, fc.option(at)], (store, id, since) =>
      store.resources.noteStall(id, since),
    ),
  },
  {
    weight: 3,
    arbitrary: command('complete', [resource, bytes, at], (store, id, sizeBytes, completedAt) =>
      store.resources.complete(id, null, { sizeBytes, mediaType: null, at: completedAt }),
    ),
  },
  {
    weight: 5,
    arbitrary: command(
      'place',
      [
        session,
        fc.uniqueArray(resource, { minLength: 1, maxLength: 2 }),
        candidates,
        at,
        limits,
        fc.boolean(),
        lease,
      ],
      (store, sessionId, resourceIds, order, placedAt, within, overdraw, held) =>
        store.resources.place({
          sessionId,
          authority: null,
          resourceIds,
          candidates: order,
          limits: within,
          overdraw,
          at: placedAt,
          lease: held,
        }),
    ),
  },
  command('listOverdrawn', [at, limit], (store, ...args) => store.resources.listOverdrawn(...args)),
  command('findOf', [session, resource], (store, sessionId, id) =>
    store.resources.findOf(sessionId, null, id),
  ),
  {
    weight: 2,
    arbitrary: command('use', [resource, processId, at], (store, id, process, usedAt) =>
      store.resources.use(id, null, process, usedAt),
    ),
  },
  command('unuse', [resource, processId, at], (store, ...args) => store.resources.unuse(...args)),
  {
    weight: 2,
    arbitrary: command(
      'learnAddress',
      [session, authority, fc.constantFrom('192.0.2.1', '192.0.2.2')],
      (store, ...args) => store.sessions.learnAddress(...args),
    ),
  },
  {
    weight: 4,
    arbitrary: command('data.write', [session, authority, dataWrite], (store, ...args) =>
      store.data.write(...args),
    ),
  },
  command('data.read', [session, authority], async (store, ...args) => {
    const read = await store.data.read(...args);
    if (read === null || read === 'stale') return read;
    return { ...read, values: read.values.toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
  }),
  command('touch', [session, at, fc.nat(2)], (store, sessionId, touchedAt, requests) =>
    store.sessions.touch([{ sessionId, at: touchedAt, requests }]),
  ),
  {
    weight: 2,
    arbitrary: command(
      'login, repeated',
      [session, authority, userId, freshToken, at, fc.boolean(), ends, fc.constantFrom(0, 1)],
      async (store, id, by, user, hash, loggedInAt, dropsData, given, maxSessions) => {
        const login = { userId: user, tokenHash: hash, at: loggedInAt, dropsData, maxSessions, ...given };
        return [await store.sessions.login(id, by, login), await store.sessions.login(id, by, login)];
      },
    ),
  },
  command('regenerate', [session, authority, freshToken, at], (store, id, by, hash, replacedAt) =>
    store.sessions.regenerate(id, by, { tokenHash: hash, at: replacedAt }),
  ),
  command('beginEnd', [session, reason, at, lease], (store, id, why, endedAt, held) =>
    store.endings.beginEnd(id, { reason: why, at: endedAt, lease: held }),
  ),
  command('beginEnd only', [session, at, lease, rank], (store, id, endedAt, held, evictionRank) =>
    store.endings.beginEnd(
      id,
      { reason: 'evicted', at: endedAt, lease: held },
      { lastActivityAt: endedAt, ...(evictionRank !== undefined && { evictionRank }) },
    ),
  ),
  command('finishEnd', [session, node, at], (store, ...args) => store.endings.finishEnd(...args)),
  command('leaseEnding', [at, lease, limit], (store, leasedAt, held, most) =>
    store.endings.leaseEnding({ at: leasedAt, lease: held, limit: most }),
  ),
  command('dropTombstones', [at, limit], (store, ...args) => store.endings.dropTombstones(...args)),
  command('beginRelease', [fc.array(resource, { maxLength: 4 }), lease], (store, ...args) =>
    store.releases.beginRelease(...args),
  ),
  command('leaseReleasing', [at, lease, limit], (store, leasedAt, held, most) =>
    store.releases.leaseReleasing({ at: leasedAt, lease: held, limit: most }),
  ),
  command('finishRelease', [fc.array(resource, { maxLength: 4 })], (store, ids) =>
    store.releases.finishRelease(ids),
  ),
  command('heartbeat', [processId, node, at, at], (store, processId, nodeId, beatAt, flushedThroughAt) =>
    store.fleet.heartbeat(beat({ processId, at: beatAt, flushedThroughAt, nodeId })),
  ),
  command('forgetNode', [node, at, at], (store, ...args) => store.fleet.forgetNode(...args)),
  command('dropProcess', [processId, at], (store, ...args) => store.fleet.dropProcess(...args)),
  command('findByToken', [token], async (store, hash) => {
    const match = await store.sessions.findByToken(hash);
    return match?.current ? match : null;
  }),
  command('findIdle', [at, limit], (store, ...args) => store.endings.findIdle(...args)),
  command('findExpired', [at, limit], (store, ...args) => store.endings.findExpired(...args)),
  command('findEvictable', [limit, fc.constantFrom(undefined, ...NETWORKS)], (store, most, network) =>
    store.sessions.findEvictable(most, network),
  ),
  command('countDue', [at], (store, dueAt) => store.endings.countDue(dueAt)),
  command('list', [sort, limit, fc.option(userId, { nil: undefined })], (store, order, most, user) =>
    store.sessions.list({ sort: order, limit: most, filter: user === undefined ? {} : { userId: user } }),
  ),
  command('list after', [sort, at, session], (store, order, instant, id) =>
    store.sessions.list({ sort: order, limit: 3, after: { value: instant, id } }),
  ),
);

/** The answer to a command, or the code of its error. */
async function answerOf(store: SessionStore, { run }: Command): Promise<unknown> {
  try {
    return (await run(store)) ?? null;
  } catch (error) {
    return { rejected: error instanceof Error && 'code' in error ? error.code : error };
  }
}

/** What users count for, once it is what their sessions tell. */
async function usersOf(store: SessionStore): Promise<unknown> {
  const users = await store.budgets.listUsers({ limit: 10 });
  for (const { userId, ...usage } of users) {
    const { sessions } = await store.sessions.list({ sort: 'created_at', limit: 10, filter: { userId } });
    const counted = sessions.map((open) => countedOf(open, MOST));
    const sumOf = (what: 'resources' | 'bytes') => counted.reduce((sum, { [what]: one }) => sum + one, 0);
    expect(usage).toEqual({
      sessions: sessions.length,
      resources: sumOf('resources'),
      bytes: sumOf('bytes'),
    });
  }
  return users;
}

/** The readable contents of a store. */
async function everythingIn(store: SessionStore, feedFrom: string): Promise<unknown> {
  const { changes } = await store.feed.read(feedFrom, 1000);
  return {
    changes: changes.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    counter: (await store.ledger.identity()).counter,
    sessions: await Promise.all(SESSIONS.map((id) => store.sessions.find(id))),
    resources: await store.resources.list(SESSIONS),
    processes: await store.fleet.listProcesses(),
    nodes: await store.fleet.listNodes(),
    totals: await store.ledger.totals(),
    users: await usersOf(store),
    lastSeenAt: (await store.clock.anchor({ wallMs: 1, monotonicMs: 1, bootId: 'next' })).lastSeenAt,
  };
}

describe('Memory and SQLite', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('give equal answers to any sequence of commands, and have equal contents afterwards', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(commands, { minLength: 20, maxLength: 80, size: 'max' }),
        async (sequence) => {
          runs += 1;
          const model = new MemorySessionStore();
          const real = new SqliteSessionStore({ path: join(folder, `${runs}.db`) });
          await Promise.all([model.connect(), real.connect()]);
          try {
            const [modelFeed, realFeed] = await Promise.all([
              model.feed.read(null, 1),
              real.feed.read(null, 1),
            ]);
            // SQLite gets all commands concurrently, as under load; behind a write, it runs those of one turn in order.
            const [expected, actual] = await Promise.all([
              Promise.all(sequence.map((each) => answerOf(model, each))),
              Promise.all([real.sessions.touch([]), ...sequence.map((each) => answerOf(real, each))]).then(
                ([, ...answers]) => answers,
              ),
            ]);
            expect(actual).toEqual(expected);
            expect(await everythingIn(real, realFeed.position)).toEqual(
              await everythingIn(model, modelFeed.position),
            );
          } finally {
            await real.close();
          }
        },
      ),
      { numRuns: 60, endOnFailure: false },
    );
  }, 120_000);
});

/**
 * The same store with separate tokens for each session. Stores differ for a token that two sessions had in turn, which
 * never happens: tokens are 256 random bits.
 */
function withOwnTokens(store: SessionStore): SessionStore {
  const own = (id: string, token: string): string =>
    TOKENS.includes(token)
      ? (TOKENS[2 * SESSIONS.indexOf(id) + (TOKENS.indexOf(token) % 2)] ?? token)
      : token.replace('Xlfresh', `Xl${SESSIONS.indexOf(id)}resh`);
  return new WrappedStore(store, (operation, name) => {
    if (name === 'sessions.open') {
      const open = store.sessions.open.bind(store.sessions);
      return (session, limits) => {
        const opened = session as NewSession;
        return open({ ...opened, tokenHash: own(opened.id, opened.tokenHash) }, limits as OpeningLimits);
      };
    }
    if (name !== 'sessions.login' && name !== 'sessions.regenerate') return operation;
    return (id, by, given) => {
      const token = given as NewToken;
      return operation(id, by, { ...token, tokenHash: own(String(id), token.tokenHash) });
    };
  });
}

describe('Memory and Redis', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(() => server.stop());

  it('give equal answers to any sequence of commands, and have equal contents afterwards', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(commands, { minLength: 20, maxLength: 80, size: 'max' }),
        async (sequence) => {
          runs += 1;
          const real = new RedisSessionStore({
            url: server.url,
            prefix: `${runs}:`,
            buckets: 4,
            timeoutMs: 10_000,
          });
          const stores = [new MemorySessionStore(), real].map(withOwnTokens);
          await Promise.all(stores.map((store) => store.connect()));
          try {
            const [expected, actual] = await Promise.all(
              stores.map(async (store) => {
                const { position } = await store.feed.read(null, 1);
                const answers = [];
                for (const each of sequence) answers.push(await answerOf(store, each));
                return { answers, holds: await everythingIn(store, position) };
              }),
            );
            expect(actual).toEqual(expected);
          } finally {
            await real.close();
          }
        },
      ),
      { numRuns: 60, endOnFailure: false },
    );
  }, 120_000);
});
