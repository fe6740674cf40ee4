import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { evictionRank, idleEndsAt, meetsEndCondition } from '#sessions/domain/lifetime';
import { admitsFile } from '#sessions/domain/limits';
import { isEvictable, isReadable, type ResourceRecord } from '#sessions/domain/resource';
import type { SessionRecord } from '#sessions/domain/session';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { RedisSessionStore } from '#sessions/redis/index';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import {
  anEnd,
  complete,
  lease,
  LIMITS,
  newResource,
  NOW,
  opened,
  placement,
  PROCESS,
  present,
  loggedIn,
} from '#sessions/testing/store/store.fixtures';
import { RedisServer } from '../support/redis-servers.js';

/** Stores spell some rules of the domain in SQL or Lua: on random records both say the same. */
const RUNS = { numRuns: 100 };

const STORES: readonly [string, () => Promise<{ store: SessionStore; remove: () => Promise<void> }>][] = [
  ['memory', async () => ({ store: new MemorySessionStore(), remove: async () => {} })],
  [
    'sqlite',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
      const store = new SqliteSessionStore({ path: join(folder, 'sessions.db') });
      return { store, remove: () => rm(folder, { recursive: true }) };
    },
  ],
  [
    'redis',
    async () => {
      const server = await RedisServer.start();
      const store = new RedisSessionStore({ url: server.url, buckets: 16, timeoutMs: 10_000 });
      return { store, remove: () => server.stop() };
    },
  ],
];

/** Operations on a session before the comparison. */
const life = fc.record({
  idleMs: fc.oneof(fc.integer({ min: 1, max: 120_000 }), fc.constantFrom(59_999, 60_000, 60_001)),
  lastsMs: fc.integer({ min: 1, max: 300_000 }),
  touches: fc.array(
    fc.record({ afterMs: fc.integer({ min: -5, max: 400_000 }), requests: fc.integer({ min: 0, max: 2 }) }),
    { maxLength: 3 },
  ),
  userId: fc.option(fc.constant('ada')),
  data: fc.constantFrom([], [], ['1'], ['1', null]),
  reserved: fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 2 }),
  placed: fc.boolean(),
  released: fc.boolean(),
  leaving: fc.boolean(),
});
type Life = typeof life extends fc.Arbitrary<infer Value> ? Value : never;

/** What happens to a resource before it is looked at. */
const use = fc.record({
  type: fc.constantFrom('audio_file', 'audio_file', 'stream'),
  isComplete: fc.boolean(),
  isPlaced: fc.boolean(),
  isOverdrawn: fc.boolean(),
  reads: fc.integer({ min: 0, max: 2 }),
  readsEnded: fc.integer({ min: 0, max: 2 }),
  isReleased: fc.boolean(),
});
type Use = typeof use extends fc.Arbitrary<infer Value> ? Value : never;

const near = fc.integer({ min: -1, max: 1 });
const rank = fc.constantFrom(undefined, 0, 1, 2);

describe.each(STORES)('The %s store says as the domain does', (_name, make) => {
  let store: SessionStore;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    ({ store, remove } = await make());
    await store.connect();
  }, 30_000);

  afterAll(async () => {
    await store.close();
    await remove();
  });

  /** An open session with this life behind it, as the store has it; it is over after `look`. */
  async function afterLife(
    { idleMs, lastsMs, touches, userId, data, reserved, placed, released, leaving }: Life,
    look: (session: SessionRecord) => Promise<void>,
  ): Promise<void> {
    const session = await opened(store, { idleMs, expiresAt: NOW + lastsMs });
    const { id } = session;
    for (const { afterMs, requests } of touches) {
      await store.sessions.touch([{ sessionId: id, at: NOW + afterMs, requests }]);
    }
    if (userId !== null) await loggedIn(store, session, userId);
    for (const json of data) {
      const operation = randomBytes(12).toString('base64url');
      const limits = { maxBytes: 100, maxKeys: 10 };
      await store.data.write(id, null, { operation, at: NOW, changes: [{ key: 'n', json }], limits });
    }
    for (const sizeBytes of reserved) {
      await store.resources.reserve(newResource(id, { sizeBytes }), null, LIMITS);
    }
    if (placed) await store.resources.place(placement(id, [await complete(store, id, 20)]));
    if (released) {
      const ids = (await store.resources.list([id])).map((held) => held.id);
      await store.releases.beginRelease(ids, lease());
      await store.releases.finishRelease(ids);
    }
    if (leaving) await store.releases.beginRelease([(await complete(store, id, 30)).id], lease());
    try {
      await look(present(await store.sessions.find(id)));
    } finally {
      await store.endings.beginEnd(id, anEnd());
    }
  }

  /** A resource with this use behind it, as the store has it. */
  async function afterUse(
    { type, isComplete, isPlaced, isOverdrawn, reads, readsEnded, isReleased }: Use,
    look: (resource: ResourceRecord) => Promise<void>,
  ): Promise<void> {
    const { id: sessionId } = await opened(store);
    const { id } = newResource(sessionId);
    await store.resources.reserve(newResource(sessionId, { id, type, sizeBytes: 1 }), null, LIMITS);
    const limits = { ...LIMITS, maxBytes: isOverdrawn ? 0 : 1 };
    if (isComplete) await store.resources.complete(id, null, { sizeBytes: 1, mediaType: null, at: NOW + 1 });
    if (isPlaced) await store.resources.place(placement(sessionId, [{ id }], { limits, overdraw: true }));
    for (let read = 0; read < reads; read += 1) await store.resources.use(id, null, PROCESS, NOW + 2 + read);
    for (let read = 0; read < readsEnded; read += 1) await store.resources.unuse(id, PROCESS, NOW + 4);
    if (isReleased) await store.releases.beginRelease([id], lease());
    await look(present(await store.resources.find(id)));
    await store.endings.beginEnd(sessionId, anEnd());
  }

  it('when a session is idle', async () => {
    await fc.assert(
      fc.asyncProperty(life, (one) =>
        afterLife(one, async (session) => {
          const idleAt = idleEndsAt(session);
          const isDue = async (at: number) => (await store.endings.countDue(at)).idle;
          expect([await isDue(idleAt - 1), await isDue(idleAt)]).toEqual([0, 1]);
          await expect(store.endings.findIdle(idleAt, 10)).resolves.toEqual([session]);
        }),
      ),
      RUNS,
    );
  });

  it('which session may be evicted', async () => {
    await fc.assert(
      fc.asyncProperty(life, (one) =>
        afterLife(one, async (session) => {
          const found = await store.sessions.findEvictable(10);
          expect(found).toEqual(evictionRank(session) === null ? [] : [session]);
        }),
      ),
      RUNS,
    );
  });

  it('whether the condition of an end is met', async () => {
    await fc.assert(
      fc.asyncProperty(
        life,
        fc.option(near),
        rank,
        fc.constantFrom(undefined, 'ada', 'eve'),
        (one, later, most, userId) =>
          afterLife(one, async (session) => {
            const only = {
              ...(later !== null && { lastActivityAt: session.lastActivityAt + later }),
              ...(userId !== undefined && { userId }),
              ...(most !== undefined && { evictionRank: most }),
            };
            const ended = await store.endings.beginEnd(session.id, anEnd(), only);
            expect(ended !== null).toBe(meetsEndCondition(session, only));
          }),
      ),
      RUNS,
    );
  });

  it('what is admitted into a session', async () => {
    await fc.assert(
      fc.asyncProperty(life, fc.boolean(), near, near, fc.nat(40), (one, rejects, more, moreBytes, ofBytes) =>
        afterLife(one, async (session) => {
          const outgoing = one.leaving ? { resources: 1, bytes: 30 } : { resources: 0, bytes: 0 };
          const accountsOf = (record: SessionRecord) => ({
            inPlace: { resources: record.resourceCount, bytes: record.bytesUsed },
            incoming: { resources: record.incomingCount, bytes: record.incomingBytes },
            outgoing,
          });
          const limits = {
            ...LIMITS,
            maxResources: session.resourceCount + session.incomingCount + 1 + more,
            maxBytes: session.bytesUsed + session.incomingBytes + 10 + moreBytes,
            onLimit: rejects ? ('reject' as const) : ('evict' as const),
          };
          const resource = newResource(session.id, { sizeBytes: ofBytes });
          const answer = await store.resources.reserve(resource, null, limits);
          const isAdmitted = admitsFile(accountsOf(session), { resources: 1, bytes: ofBytes }, limits);
          expect(answer).toBe(isAdmitted ? 'reserved' : 'full');
          if (!isAdmitted) return;
          const now = present(await store.sessions.find(session.id));
          expect(await store.resources.grow(resource.id, null, 10, limits)).toBe(
            admitsFile(accountsOf(now), { resources: 0, bytes: 10 }, limits) ? 'grown' : 'full',
          );
        }),
      ),
      RUNS,
    );
  });

  it('what can be read', async () => {
    await fc.assert(
      fc.asyncProperty(use, (one) =>
        afterUse(one, async (resource) => {
          const used = await store.resources.use(resource.id, null, PROCESS, NOW + 9);
          expect(used !== null).toBe(isReadable(resource));
        }),
      ),
      RUNS,
    );
  });

  it('what may be evicted', async () => {
    await fc.assert(
      fc.asyncProperty(use, near, (one, later) =>
        afterUse(one, async (resource) => {
          const file = await complete(store, resource.sessionId, 1);
          const answer = await store.resources.place(
            placement(resource.sessionId, [file], {
              candidates: [{ id: resource.id, lastUsedAt: resource.lastUsedAt + later }],
              limits: { ...LIMITS, maxBytes: 0 },
              overdraw: true,
            }),
          );
          // The file is larger than the limit: all candidates are walked, but none is evicted for nothing.
          expect(answer).toMatchObject({ victims: [] });
          const { type, overdrawn, state } = resource;
          const isFile = state === 'ready' && type !== 'stream' && !overdrawn;
          const room = { ...LIMITS, maxResources: 1 };
          const placed = await store.resources.place(
            placement(resource.sessionId, [file], {
              candidates: [{ id: resource.id, lastUsedAt: resource.lastUsedAt + later }],
              limits: room,
            }),
          );
          const evicted = typeof placed === 'string' ? [] : placed.victims;
          expect(evicted.length > 0).toBe(isFile && isEvictable(resource) && later === 0);
        }),
      ),
      RUNS,
    );
  });
});
