/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import type { TypeTotals } from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  complete,
  countsOf,
  PROCESS,
  lease,
  LIMITS,
  newResource,
  NOW,
  opened,
  OTHER_NODE,
  OTHER_PROCESS,
  present,
  ready,
  resourceNow,
  same,
  sameIds,
  writing,
  type SessionStoreCase,
  NODE,
} from '../store.fixtures.js';

export const releasingCases: readonly SessionStoreCase[] = [
  {
    name: 'a stall is noted of a file that is being written, until it receives bytes again or is complete',
    async run(store) {
      const session = await opened(store);
      const [{ id }, { id: otherId }] = [
        await writing(store, session.id, 10),
        await writing(store, session.id, 10),
      ];
      const [file, other] = [await resourceNow(store, { id }), await resourceNow(store, { id: otherId })];
      assert.equal(file.stalledSince, null);
      assert.equal(await store.resources.noteStall(file.id, NOW + 5), true);
      assert.equal(await store.resources.noteStall(file.id, NOW + 5), true);
      same(await resourceNow(store, file), { ...file, stalledSince: NOW + 5 });
      same(await resourceNow(store, other), other);
      assert.equal(await store.resources.noteStall(file.id, null), true);
      same(await resourceNow(store, file), file);
      await store.resources.noteStall(file.id, NOW + 7);
      const completed = { sizeBytes: 10, mediaType: null, at: NOW + 9 };
      const complete = await store.resources.complete(file.id, null, completed);
      same(typeof complete === 'string' ? complete : complete.stalledSince, null);
    },
  },
  {
    name: 'no stall is noted of a file that is complete, released, unknown or of a session that is over',
    async run(store) {
      const session = await opened(store);
      const over = await opened(store);
      const [brought, released] = [await complete(store, session.id, 1), await writing(store, session.id, 1)];
      const orphaned = await writing(store, over.id, 1);
      await store.releases.beginRelease([released.id], lease());
      await store.endings.beginEnd(over.id, anEnd());
      for (const id of [brought.id, released.id, orphaned.id, newResource(session.id).id]) {
        for (const since of [NOW, null]) assert.equal(await store.resources.noteStall(id, since), false);
      }
      same(await resourceNow(store, brought), brought);
    },
  },
  {
    name: 'a release marks used files, files being written, and streams',
    async run(store) {
      const session = await opened(store);
      const used = await ready(store, session.id);
      await store.resources.use(used.id, null, PROCESS, NOW + 1);
      const unfinished = await writing(store, session.id, 5);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      const all = [used, unfinished, stream];
      sameIds(
        await store.releases.beginRelease(
          all.map(({ id }) => id),
          lease(),
        ),
        all,
      );
      same(await countsOf(store, session), [0, 0, 0, 0]);
      assert.equal(await store.resources.grow(unfinished.id, null, 1, LIMITS), 'gone');
      assert.equal(
        await store.resources.complete(unfinished.id, null, { sizeBytes: 5, mediaType: null, at: NOW }),
        'gone',
      );
    },
  },
  {
    name: 'of concurrent releases, one caller gets each resource',
    async run(store) {
      const session = await opened(store);
      const resources = await atOnce(5, () => ready(store, session.id));
      const ids = resources.map(({ id }) => id);
      const marked = await atOnce(10, () => store.releases.beginRelease(ids, lease()));
      assert.equal(marked.flat().length, resources.length);
      assert.equal(new Set(marked.flat().map(({ id }) => id)).size, resources.length);
    },
  },
  {
    name: 'a released resource leaves its place at once; its release is finished once',
    async run(store) {
      const session = await opened(store);
      const resource = await ready(store, session.id, 30);
      await ready(store, session.id, 12);
      same(await store.releases.finishRelease([resource.id]), { resources: 0, bytes: 0 });
      await store.releases.beginRelease([resource.id], lease());
      same(await countsOf(store, session), [1, 12, 0, 0]);
      const answers = await atOnce(4, () => store.releases.finishRelease([resource.id, resource.id]));
      same(
        answers.toSorted((a, b) => b.bytes - a.bytes),
        [
          { resources: 1, bytes: 30 },
          { resources: 0, bytes: 0 },
          { resources: 0, bytes: 0 },
          { resources: 0, bytes: 0 },
        ],
      );
      same(await countsOf(store, session), [1, 12, 0, 0]);
      assert.equal(await store.resources.find(resource.id), null);
    },
  },
  {
    name: 'what is on its way out leaves no room on the way in, on its own node, until its release is finished',
    async run(store) {
      const session = await opened(store);
      const limits = { ...LIMITS, maxResources: 3, maxBytes: 100 };
      const leaving = await ready(store, session.id, 60);
      const { id } = await writing(store, session.id, 20);
      await store.releases.beginRelease([leaving.id], lease());
      assert.equal(await store.resources.grow(id, null, 21, limits), 'full');
      const there = newResource(session.id, { nodeId: OTHER_NODE, sizeBytes: 21 });
      assert.equal(await store.resources.reserve(there, null, limits), 'reserved');
      const here = newResource(session.id);
      assert.equal(await store.resources.reserve(here, null, limits), 'full');
      await store.releases.finishRelease([leaving.id]);
      assert.equal(await store.resources.grow(id, null, 21, limits), 'grown');
      assert.equal(await store.resources.reserve(here, null, limits), 'reserved');
    },
  },
  {
    name: 'a file that was never complete is not counted as released',
    async run(store) {
      const session = await opened(store);
      const unfinished = await writing(store, session.id, 70);
      await store.releases.beginRelease([unfinished.id], lease());
      same(await store.releases.finishRelease([unfinished.id]), { resources: 0, bytes: 0 });
      same(await countsOf(store, session), [0, 0, 0, 0]);
      const audio = (await store.ledger.totals()).types.find(({ type }) => type === 'audio_file');
      same(audio, totalsOf('audio_file', {}));
    },
  },
  {
    name: 'totals report active and released resources of each type',
    async run(store) {
      const session = await opened(store);
      const [first, second] = [await ready(store, session.id, 30), await complete(store, session.id, 12)];
      await ready(store, session.id, 100);
      await writing(store, session.id, 7);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      const ids = [first.id, second.id, stream.id];
      await store.releases.beginRelease(ids, lease());
      await store.releases.finishRelease(ids);
      same((await store.ledger.totals()).types, [
        totalsOf('audio_file', { active: 2, activeBytes: 107, released: 2, releasedBytes: 42 }),
        totalsOf('stream', { released: 1 }),
      ]);
    },
  },
  {
    name: 'an unfinished release can be leased after its lease ends: oldest first, by one caller each time',
    async run(store) {
      const session = await opened(store);
      const resources = await atOnce(3, () => ready(store, session.id));
      for (const [index, resource] of resources.entries()) {
        await store.releases.beginRelease([resource.id], lease(NOW + 30 - index));
      }
      const request = { lease: lease(NOW + 100, OTHER_PROCESS), limit: 10 };
      same(await store.releases.leaseReleasing({ ...request, at: NOW + 27 }), []);
      sameIds(
        await store.releases.leaseReleasing({ ...request, at: NOW + 30, limit: 2 }),
        resources.slice(1).toReversed(),
      );
      const leased = await store.releases.leaseReleasing({ ...request, at: NOW + 30 });
      sameIds(leased, resources.slice(0, 1));
      same(leased[0], await resourceNow(store, present(resources[0])));
      same(await store.releases.leaseReleasing({ ...request, at: NOW + 99 }), []);
      const again = await atOnce(5, () =>
        store.releases.leaseReleasing({ at: NOW + 100, lease: lease(NOW + 200), limit: 10 }),
      );
      assert.equal(again.flat().length, 3);
    },
  },
  {
    name: 'a released file of a session that ends goes with the end, and counts once',
    async run(store) {
      const session = await opened(store);
      const [file, stream] = [
        await ready(store, session.id, 30),
        await writing(store, session.id, 0, { type: 'stream' }),
      ];
      await store.releases.beginRelease([file.id, stream.id], lease(NOW));
      await store.endings.beginEnd(session.id, anEnd());
      const request = { at: NOW + 1, lease: lease(NOW + 2), limit: 10 };
      sameIds(await store.releases.leaseReleasing(request), [stream]);
      same(await store.releases.finishRelease([file.id, stream.id]), { resources: 1, bytes: 0 });
      const types = async () => (await store.ledger.totals()).types;
      same(await types(), [
        totalsOf('audio_file', { active: 1, activeBytes: 30 }),
        totalsOf('stream', { released: 1 }),
      ]);
      same(await store.endings.finishEnd(session.id, NODE, NOW + 1), { resources: 1, bytes: 30 });
      same(await store.releases.finishRelease([file.id]), { resources: 0, bytes: 0 });
      same(await types(), [
        totalsOf('audio_file', { released: 1, releasedBytes: 30 }),
        totalsOf('stream', { released: 1 }),
      ]);
    },
  },
];

function totalsOf(type: string, differing: Partial<TypeTotals>): TypeTotals {
  return { type, active: 0, activeBytes: 0, released: 0, releasedBytes: 0, evicted: 0, ...differing };
}
