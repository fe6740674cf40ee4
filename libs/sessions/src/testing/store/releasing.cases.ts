/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import type { TypeTotals } from '../../ports/session-store.js';
import type { SessionStoreCase } from './store.case.js';
import {
  atOnce,
  PROCESS,
  lease,
  LIMITS,
  NOW,
  opened,
  OTHER_PROCESS,
  present,
  ready,
  resourceNow,
  same,
  sameIds,
  sessionNow,
  writing,
} from './store.fixtures.js';

export const releasingCases: readonly SessionStoreCase[] = [
  {
    name: 'an eviction marks only ready, unused files that have not been used since they were chosen',
    async run(store) {
      const session = await opened(store);
      const idle = await ready(store, session.id);
      const used = await ready(store, session.id);
      const recent = await ready(store, session.id);
      const unfinished = await writing(store, session.id);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      await store.resources.use(used.id, PROCESS, NOW);
      await store.resources.use(recent.id, PROCESS, NOW + 5);
      await store.resources.unuse(recent.id, PROCESS, NOW + 5);
      const victims = [idle, used, recent, unfinished, stream].map(({ id }) => ({ id, lastUsedAt: NOW }));
      const marked = await store.releases.beginRelease(victims, lease(), 'unused');
      sameIds(marked, [idle]);
      same(marked[0], await resourceNow(store, idle));
      assert.equal(marked[0]?.state, 'releasing');
    },
  },
  {
    name: 'a release marks used files, files being written, and streams',
    async run(store) {
      const session = await opened(store);
      const used = await ready(store, session.id);
      await store.resources.use(used.id, PROCESS, NOW + 1);
      const unfinished = await writing(store, session.id, 5);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      const victims = [used, unfinished, stream].map(({ id }) => ({ id, lastUsedAt: NOW }));
      sameIds(await store.releases.beginRelease(victims, lease(), 'any'), victims);
      assert.equal(await store.resources.grow(unfinished.id, 1, LIMITS), 'gone');
      assert.equal(
        await store.resources.settle(unfinished.id, { sizeBytes: 5, mediaType: null, at: NOW }),
        null,
      );
    },
  },
  {
    name: 'of concurrent releases, one caller gets each resource',
    async run(store) {
      const session = await opened(store);
      const resources = await atOnce(5, () => ready(store, session.id));
      const marked = await atOnce(10, (index) =>
        store.releases.beginRelease(resources, lease(), index % 2 === 0 ? 'any' : 'unused'),
      );
      assert.equal(marked.flat().length, resources.length);
      assert.equal(new Set(marked.flat().map(({ id }) => id)).size, resources.length);
    },
  },
  {
    name: 'of a concurrent use and eviction only one succeeds',
    async run(store) {
      const session = await opened(store);
      for (let round = 0; round < 10; round += 1) {
        const resource = await ready(store, session.id);
        const [using, evicting] = await Promise.all([
          store.resources.use(resource.id, PROCESS, NOW),
          store.releases.beginRelease([resource], lease(), 'unused'),
        ]);
        assert.equal((using === null ? 0 : 1) + evicting.length, 1);
      }
    },
  },
  {
    name: 'a resource counts until its release is finished, which returns count and bytes once',
    async run(store) {
      const session = await opened(store);
      const resource = await ready(store, session.id, 30);
      await ready(store, session.id, 12);
      same(await store.releases.finishRelease([resource.id], 'released'), { resources: 0, bytes: 0 });
      await store.releases.beginRelease([resource], lease(), 'any');
      same((await sessionNow(store, session)).bytesUsed, 42);
      const answers = await atOnce(4, () =>
        store.releases.finishRelease([resource.id, resource.id], 'released'),
      );
      same(
        answers.toSorted((a, b) => b.bytes - a.bytes),
        [
          { resources: 1, bytes: 30 },
          { resources: 0, bytes: 0 },
          { resources: 0, bytes: 0 },
          { resources: 0, bytes: 0 },
        ],
      );
      const { resourceCount, bytesUsed } = await sessionNow(store, session);
      same([resourceCount, bytesUsed], [1, 12]);
      assert.equal(await store.resources.find(resource.id), null);
    },
  },
  {
    name: 'an unsettled resource is freed without being counted as released',
    async run(store) {
      const session = await opened(store);
      const unfinished = await writing(store, session.id, 70);
      await store.releases.beginRelease([{ id: unfinished.id, lastUsedAt: NOW }], lease(), 'any');
      same(await store.releases.finishRelease([unfinished.id], 'released'), { resources: 0, bytes: 0 });
      same((await sessionNow(store, session)).bytesUsed, 0);
      const audio = (await store.ledger.totals()).types.find(({ type }) => type === 'audio_file');
      same(audio, totalsOf('audio_file', {}));
    },
  },
  {
    name: 'totals report active, released and evicted resources of each type',
    async run(store) {
      const session = await opened(store);
      const evicted = await ready(store, session.id, 30);
      const released = await ready(store, session.id, 12);
      await ready(store, session.id, 100);
      await writing(store, session.id, 7);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      await store.releases.beginRelease(
        [evicted, released, { id: stream.id, lastUsedAt: NOW }],
        lease(),
        'any',
      );
      await store.releases.finishRelease([evicted.id], 'evicted');
      await store.releases.finishRelease([released.id, stream.id], 'released');
      same((await store.ledger.totals()).types, [
        totalsOf('audio_file', { active: 2, activeBytes: 107, released: 2, releasedBytes: 42, evicted: 1 }),
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
        await store.releases.beginRelease([resource], lease(NOW + 30 - index), 'any');
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
];

function totalsOf(type: string, differing: Partial<TypeTotals>): TypeTotals {
  return { type, active: 0, activeBytes: 0, released: 0, releasedBytes: 0, evicted: 0, ...differing };
}
