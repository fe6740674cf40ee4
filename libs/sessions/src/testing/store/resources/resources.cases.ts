import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { packedIds, packIds } from '../../../domain/ids.js';
import {
  atOnce,
  complete,
  countsOf,
  HOUR,
  PROCESS,
  LIMITS,
  lease,
  newResource,
  NOW,
  opened,
  OTHER_PROCESS,
  ready,
  record,
  rejects,
  resourceNow,
  same,
  sameIds,
  sessionNow,
  tally,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const resourceCases: readonly SessionStoreCase[] = [
  {
    name: 'a reserved file counts at once, in state writing, with its process',
    async run(store) {
      const session = await opened(store);
      const resource = newResource(session.id, { createdAt: NOW + 3, sizeBytes: 7 });
      assert.equal(await store.resources.reserve(resource, null, LIMITS), 'reserved');
      same(await store.resources.find(resource.id), {
        ...resource,
        state: 'writing',
        lastUsedAt: NOW + 3,
        uses: 0,
        stalledSince: null,
        overdrawn: false,
      });
      same(await countsOf(store, session), [0, 0, 1, 7]);
      const [{ active, activeBytes } = { active: 0, activeBytes: 0 }] = (await store.ledger.totals()).types;
      same([active, activeBytes], [1, 7]);
    },
  },
  {
    name: 'a resource is reserved with all its bytes or not at all',
    async run(store) {
      const session = await opened(store);
      const limits = { ...LIMITS, maxResources: 5, maxBytes: 100 };
      const sized = (sizeBytes: number) =>
        store.resources.reserve(newResource(session.id, { sizeBytes }), null, limits);
      assert.equal(await sized(101), 'full');
      assert.equal(await sized(60), 'reserved');
      assert.equal(await sized(41), 'full');
      assert.equal(await sized(40), 'reserved');
      same(await countsOf(store, session), [0, 0, 2, 100]);
    },
  },
  {
    name: 'a reserved stream is ready at once, and keeps its process',
    async run(store) {
      const session = await opened(store);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      const { state, processId } = await resourceNow(store, stream);
      same([state, processId], ['ready', PROCESS]);
    },
  },
  {
    name: 'reserving a resource twice answers reserved and counts it once',
    async run(store) {
      const session = await opened(store);
      const resource = await writing(store, session.id, 10);
      assert.equal(await store.resources.reserve(resource, null, LIMITS), 'reserved');
      same(await countsOf(store, session), [0, 0, 1, 10]);
    },
  },
  {
    name: 'of 64 concurrent reserves exactly as many succeed as the limit allows',
    async run(store) {
      const session = await opened(store);
      const limits = { ...LIMITS, maxResources: 10, maxBytes: 100 };
      const answers = await atOnce(64, () => store.resources.reserve(newResource(session.id), null, limits));
      same(tally(answers), { reserved: 10, full: 54 });
      assert.equal((await sessionNow(store, session)).incomingCount, 10);
      assert.equal((await store.resources.list([session.id])).length, 10);
    },
  },
  {
    name: 'of 64 concurrent grows exactly as many succeed as the byte limit allows',
    async run(store) {
      const session = await opened(store);
      const writers = await atOnce(64, () => writing(store, session.id));
      const limits = { ...LIMITS, maxResources: 64, maxBytes: 1000 };
      const answers = await Promise.all(writers.map(({ id }) => store.resources.grow(id, null, 100, limits)));
      same(tally(answers), { grown: 10, full: 54 });
      assert.equal((await sessionNow(store, session)).incomingBytes, 1000);
      const held = await store.resources.list([session.id]);
      assert.equal(
        held.reduce((sum, resource) => sum + resource.sizeBytes, 0),
        1000,
      );
    },
  },
  {
    name: 'a session can be filled to the exact byte limit, and then still accepts an empty file',
    async run(store) {
      const session = await opened(store);
      const limits = { ...LIMITS, maxResources: 2, maxBytes: 100 };
      const { id } = await writing(store, session.id);
      assert.equal(await store.resources.grow(id, null, 100, limits), 'grown');
      assert.equal(await store.resources.grow(id, null, 1, limits), 'full');
      assert.equal(await store.resources.grow(id, null, 0, limits), 'grown');
      assert.equal(await store.resources.reserve(newResource(session.id), null, limits), 'reserved');
      assert.equal(await store.resources.reserve(newResource(session.id), null, limits), 'full');
    },
  },
  {
    name: 'a session above a lowered limit accepts nothing more',
    async run(store) {
      const session = await opened(store);
      const { id } = await writing(store, session.id, 100);
      const lowered = { ...LIMITS, maxResources: 5, maxBytes: 99 };
      assert.equal(await store.resources.reserve(newResource(session.id), null, lowered), 'full');
      assert.equal(await store.resources.grow(id, null, 0, lowered), 'full');
    },
  },
  {
    name: 'completing records the actual bytes and returns the surplus; the file stays on its way',
    async run(store) {
      const session = await opened(store);
      const { id } = await writing(store, session.id, 100);
      const file = record(
        await store.resources.complete(id, null, { sizeBytes: 40, mediaType: 'audio/ogg', at: NOW + 9 }),
      );
      same(
        [file.state, file.sizeBytes, file.mediaType, file.processId, file.lastUsedAt],
        ['complete', 40, 'audio/ogg', PROCESS, NOW + 9],
      );
      same(await store.resources.find(id), file);
      same(await countsOf(store, session), [0, 0, 1, 40]);
    },
  },
  {
    name: 'completing without a media type keeps the reserved one',
    async run(store) {
      const session = await opened(store);
      const file = await complete(store, session.id, 1, { mediaType: 'audio/wav' });
      assert.equal(file.mediaType, 'audio/wav');
    },
  },
  {
    name: 'completing twice, or after the file is placed, answers the record as it is and changes nothing',
    async run(store) {
      const session = await opened(store);
      const again = { sizeBytes: 3, mediaType: 'x/y', at: NOW + HOUR };
      const file = await complete(store, session.id, 10);
      same(await store.resources.complete(file.id, null, again), file);
      const placed = await ready(store, session.id, 10);
      same(await store.resources.complete(placed.id, null, again), placed);
      same(await countsOf(store, session), [1, 10, 1, 10]);
    },
  },
  {
    name: 'completing with more bytes than reserved is refused',
    async run(store) {
      const session = await opened(store);
      const { id } = await writing(store, session.id, 10);
      await rejects(
        store.resources.complete(id, null, { sizeBytes: 11, mediaType: null, at: NOW }),
        'INVALID_ARGUMENT',
      );
      same((await resourceNow(store, { id })).state, 'writing');
    },
  },
  {
    name: 'only a file being written grows, and only a known resource is completed',
    async run(store) {
      const session = await opened(store);
      const { id } = await complete(store, session.id, 10);
      assert.equal(await store.resources.grow(id, null, 1, LIMITS), 'gone');
      assert.equal(await store.resources.grow(randomUUID(), null, 1, LIMITS), 'gone');
      assert.equal(
        await store.resources.complete(randomUUID(), null, { sizeBytes: 0, mediaType: null, at: NOW }),
        'gone',
      );
      assert.equal(await store.resources.reserve(newResource(randomUUID()), null, LIMITS), 'gone');
    },
  },
  {
    name: 'streams have a limit of their own, and do not count towards that of files',
    async run(store) {
      const session = await opened(store);
      const limits = { ...LIMITS, maxResources: 1, maxStreams: 3 };
      const reserve = (type: string) =>
        store.resources.reserve(newResource(session.id, { type }), null, limits);
      const streams = await atOnce(10, () => reserve('stream'));
      same(tally(streams), { reserved: 3, full: 7 });
      assert.equal(await reserve('audio_file'), 'reserved');
      assert.equal(await reserve('audio_file'), 'full');
      const { streamCount } = await sessionNow(store, session);
      same([streamCount, ...(await countsOf(store, session))], [3, 3, 0, 1, 0]);
    },
  },
  {
    name: 'resources of several sessions are listed oldest first, in any state',
    async run(store) {
      const [a, b] = [await opened(store), await opened(store)];
      const third = await ready(store, a.id, 1, { createdAt: NOW + 3 });
      const first = await writing(store, b.id, 1, { createdAt: NOW + 1 });
      const second = await ready(store, a.id, 1, { createdAt: NOW + 2 });
      await store.releases.beginRelease([second.id], lease());
      sameIds(await store.resources.list([a.id, b.id, a.id, randomUUID()]), [first, second, third]);
      sameIds(await store.resources.list([b.id]), [first]);
      same(await store.resources.list([]), []);
    },
  },
  {
    name: 'known ids include the resources of each session in any state',
    async run(store) {
      const [session, other] = [await opened(store), await opened(store)];
      const written = await writing(store, session.id);
      const leaving = await ready(store, session.id);
      const gone = await ready(store, session.id);
      const foreign = await ready(store, other.id);
      await store.releases.beginRelease([leaving.id, gone.id], lease());
      await store.releases.finishRelease([gone.id]);
      const known = await store.resources.known([randomUUID(), other.id, session.id, other.id]);
      same(known, ['', packIds([foreign.id]), known[2], packIds([foreign.id])]);
      same(
        [...packedIds(known[2])].toSorted(),
        [written.id, leaving.id].map((id) => packIds([id])).toSorted(),
      );
      same(await store.resources.known([]), []);
    },
  },
  {
    name: 'uses are counted until unuse, and move last used forward, never back',
    async run(store) {
      const session = await opened(store);
      const { id } = await ready(store, session.id);
      const used = record(await store.resources.use(id, null, PROCESS, NOW + 10));
      same([used.uses, used.lastUsedAt], [1, NOW + 10]);
      record(await store.resources.use(id, null, PROCESS, NOW + 5));
      record(await store.resources.use(id, null, OTHER_PROCESS, NOW + 20));
      same((await resourceNow(store, { id })).uses, 3);
      await store.resources.unuse(id, PROCESS, NOW + 15);
      await store.resources.unuse(id, PROCESS, NOW + 30);
      const { uses, lastUsedAt } = await resourceNow(store, { id });
      same([uses, lastUsedAt], [1, NOW + 30]);
    },
  },
  {
    name: 'an unuse without a use changes nothing',
    async run(store) {
      const session = await opened(store);
      const { id } = await ready(store, session.id);
      await store.resources.use(id, null, OTHER_PROCESS, NOW + 1);
      await store.resources.unuse(id, PROCESS, NOW + 99);
      await store.resources.unuse(randomUUID(), PROCESS, NOW);
      const { uses, lastUsedAt } = await resourceNow(store, { id });
      same([uses, lastUsedAt], [1, NOW + 1]);
    },
  },
  {
    name: 'a complete file can be used before it is placed; one that is being written or released cannot',
    async run(store) {
      const session = await opened(store);
      const { id } = await writing(store, session.id);
      assert.equal(await store.resources.use(id, null, PROCESS, NOW), null);
      assert.equal(
        record(await store.resources.use((await complete(store, session.id)).id, null, PROCESS, NOW)).uses,
        1,
      );
      const leaving = await ready(store, session.id);
      await store.releases.beginRelease([leaving.id], lease());
      assert.equal(await store.resources.use(leaving.id, null, PROCESS, NOW), null);
      assert.equal(await store.resources.use(randomUUID(), null, PROCESS, NOW), null);
    },
  },
];
