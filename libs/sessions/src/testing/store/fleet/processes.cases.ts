/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import {
  atOnce,
  beat,
  complete,
  countsOf,
  PROCESS,
  lease,
  LIMITS,
  NOW,
  opened,
  OTHER_PROCESS,
  ready,
  resourceNow,
  same,
  sameIds,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const processCases: readonly SessionStoreCase[] = [
  {
    name: 'processes are listed with their latest heartbeat, which never moves back',
    async run(store) {
      await store.fleet.heartbeat(beat({ at: NOW + 10, flushedThroughAt: NOW + 5 }));
      await store.fleet.heartbeat(beat({ at: NOW, flushedThroughAt: NOW }));
      await store.fleet.heartbeat(beat({ processId: OTHER_PROCESS, role: 'cli' }));
      same(await store.fleet.listProcesses(), [
        beat({ at: NOW + 10, flushedThroughAt: NOW + 5 }),
        beat({ processId: OTHER_PROCESS, role: 'cli' }),
      ]);
    },
  },
  {
    name: 'a heartbeat replaces the version, limits and disk of the last one, to the byte',
    async run(store) {
      const disk = { freeBytes: 98_765_432_109_876, totalBytes: 1_234_567_890_123_456, freeInodes: 4711 };
      await store.fleet.heartbeat(beat({ disk }));
      same(await store.fleet.listProcesses(), [beat({ disk })]);
      const { limits } = beat({});
      const next = beat({
        version: '1.3.0-beta.1',
        startedAt: NOW + 1,
        limits: { ...limits, maxIdleMs: 1, cleanupIntervalMs: 5000 },
        disk: { ...disk, freeBytes: 0, freeInodes: null },
      });
      await store.fleet.heartbeat(next);
      same(await store.fleet.listProcesses(), [next]);
      await store.fleet.heartbeat(beat({}));
      same(await store.fleet.listProcesses(), [beat({})]);
    },
  },
  {
    name: 'a process with a later heartbeat, or an unknown one, is not struck off',
    async run(store) {
      await store.fleet.heartbeat(beat({ at: NOW + 1 }));
      assert.equal(await store.fleet.dropProcess(PROCESS, NOW), false);
      assert.equal(await store.fleet.dropProcess(OTHER_PROCESS, NOW), false);
      const answers = await atOnce(5, () => store.fleet.dropProcess(PROCESS, NOW + 1));
      assert.equal(answers.filter(Boolean).length, 1);
      same(await store.fleet.listProcesses(), []);
    },
  },
  {
    name: 'striking a process off voids its uses, and releases its streams and the files that it has not placed',
    async run(store) {
      const session = await opened(store);
      await store.fleet.heartbeat(beat({}));
      const file = await ready(store, session.id);
      await store.resources.use(file.id, null, PROCESS, NOW);
      await store.resources.use(file.id, null, PROCESS, NOW);
      await store.resources.use(file.id, null, OTHER_PROCESS, NOW);
      const unfinished = await writing(store, session.id, 5, { createdAt: NOW + 1 });
      const stream = await writing(store, session.id, 0, { type: 'stream', createdAt: NOW + 2 });
      const others = await writing(store, session.id, 5, { processId: OTHER_PROCESS });
      const brought = await complete(store, session.id, 7, { createdAt: NOW + 3 });
      same(await countsOf(store, session), [2, 10, 3, 17]);

      assert.equal(await store.fleet.dropProcess(PROCESS, NOW), true);
      same((await resourceNow(store, file)).uses, 1);
      same((await resourceNow(store, others)).state, 'writing');
      same(await countsOf(store, session), [1, 10, 1, 5]);
      const leased = await store.releases.leaseReleasing({ at: NOW, lease: lease(), limit: 10 });
      sameIds(
        leased.toSorted((a, b) => a.createdAt - b.createdAt),
        [unfinished, stream, brought],
      );
      await store.resources.unuse(file.id, PROCESS, NOW + 9);
      same((await resourceNow(store, file)).uses, 1);
      assert.equal(await store.resources.grow(unfinished.id, null, 1, LIMITS), 'gone');
    },
  },
];
