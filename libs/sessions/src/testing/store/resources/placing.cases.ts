/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { evictionOrder, type Candidate } from '../../../domain/eviction.js';
import type { Placement, SessionStore } from '../../../ports/store/session-store.js';
import {
  atOnce,
  complete,
  countsOf,
  lease,
  LIMITS,
  MINUTE,
  NOW,
  opened,
  OTHER_NODE,
  OTHER_PROCESS,
  placed,
  placement,
  present,
  PROCESS,
  ready,
  record,
  resourceNow,
  same,
  sameIds,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

/** Two files of 30 bytes each fit. */
const SMALL = { limits: { ...LIMITS, maxResources: 2, maxBytes: 60 } } as const;

export const placingCases: readonly SessionStoreCase[] = [
  {
    name: 'a placed file is ready, is owned by no process, and counts as in place',
    async run(store) {
      const session = await opened(store);
      const file = await complete(store, session.id, 10);
      const { files, victims, hasOverdrawn } = placed(
        await store.resources.place(placement(session.id, [file], { at: NOW + MINUTE })),
      );
      same(files, [{ ...file, state: 'ready', processId: null }]);
      same([victims, hasOverdrawn], [[], false]);
      same(await store.resources.find(file.id), files[0]);
      same(await countsOf(store, session), [1, 10, 0, 0]);
      assert.equal(await store.fleet.dropProcess(PROCESS, NOW), false);
      same((await resourceNow(store, file)).state, 'ready');
    },
  },
  {
    name: 'the least recently used files go, no more than needed, in the same step',
    async run(store) {
      const session = await opened(store);
      const [oldest, older] = await filled(store, session.id);
      const file = await complete(store, session.id, 30);
      const { files, victims } = placed(await place(store, session.id, [file]));
      sameIds(files, [file]);
      sameIds(victims, [oldest]);
      same(victims, [await resourceNow(store, oldest)]);
      same([victims[0]?.state, (await resourceNow(store, older)).state], ['releasing', 'ready']);
      same(await countsOf(store, session), [2, 60, 0, 0]);
      const [totals] = (await store.ledger.totals()).types;
      same([totals?.active, totals?.released, totals?.evicted], [3, 0, 1]);
      same(await store.releases.finishRelease([oldest.id]), { resources: 1, bytes: 30 });
    },
  },
  {
    name: 'several files are placed together or not at all',
    async run(store) {
      const session = await opened(store);
      const [oldest, older] = await filled(store, session.id);
      const files = [await complete(store, session.id, 30), await complete(store, session.id, 30)];
      await store.resources.use(older.id, null, PROCESS, NOW + 2);
      assert.equal(await place(store, session.id, files), 'full');
      same(await countsOf(store, session), [2, 60, 2, 60]);
      same((await resourceNow(store, oldest)).state, 'ready');
      await store.resources.unuse(older.id, PROCESS, NOW + 2);
      sameIds(placed(await place(store, session.id, files)).victims, [oldest, older]);
      same(await countsOf(store, session), [2, 60, 0, 0]);
    },
  },
  {
    name: 'what is in use, was used since, is not placed or is a stream is skipped',
    async run(store) {
      const session = await opened(store);
      const wide = { limits: { ...LIMITS, maxResources: 3 } };
      const used = await ready(store, session.id);
      const recent = await ready(store, session.id);
      const idle = await ready(store, session.id);
      const unplaced = await complete(store, session.id);
      const unfinished = await writing(store, session.id);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      const all = [used, recent, unplaced, unfinished, stream, idle];
      const candidates = all.map(({ id }) => ({ id, lastUsedAt: NOW }));
      await store.resources.use(used.id, null, OTHER_PROCESS, NOW);
      await store.resources.use(recent.id, null, PROCESS, NOW + 5);
      await store.resources.unuse(recent.id, PROCESS, NOW + 5);
      const file = await complete(store, session.id);
      const { victims } = placed(await place(store, session.id, [file], { ...wide, candidates }));
      sameIds(victims, [idle]);
    },
  },
  {
    name: 'a file of another session is no candidate, and is not placed',
    async run(store) {
      const [session, other] = [await opened(store), await opened(store)];
      const foreign = await ready(store, other.id, 30);
      await filled(store, session.id);
      const file = await complete(store, session.id, 30);
      const candidates = [{ id: foreign.id, lastUsedAt: foreign.lastUsedAt }];
      assert.equal(await place(store, session.id, [file], { candidates }), 'full');
      assert.equal(await place(store, other.id, [file]), 'gone');
      same((await resourceNow(store, foreign)).state, 'ready');
    },
  },
  {
    name: 'a file that is not complete, is released or is unknown is not placed, nor the others with it',
    async run(store) {
      const session = await opened(store);
      const file = await complete(store, session.id);
      const unfinished = await writing(store, session.id);
      const leaving = await complete(store, session.id);
      await store.releases.beginRelease([leaving.id], lease());
      for (const other of [unfinished, leaving, { id: randomUUID() }]) {
        assert.equal(await place(store, session.id, [file, other]), 'gone');
      }
      same((await resourceNow(store, file)).state, 'complete');
    },
  },
  {
    name: 'a repeat answers as the first did, and evicts nothing more',
    async run(store) {
      const session = await opened(store);
      const [oldest] = await filled(store, session.id);
      const files = [await complete(store, session.id, 20), await complete(store, session.id, 5)];
      const candidates = evictionOrder(await store.resources.list([session.id]));
      const limits = { ...LIMITS, maxResources: 3 };
      const first = placed(await place(store, session.id, files, { candidates, limits }));
      sameIds(first.victims, [oldest]);
      const released = await ready(store, session.id, 1);
      await store.releases.beginRelease([released.id], lease());
      const again = { candidates: [...candidates, { id: released.id, lastUsedAt: NOW }], limits };
      same(await place(store, session.id, files, again), first);
      same(await countsOf(store, session), [3, 55, 0, 0]);
      await store.releases.finishRelease([oldest.id]);
      same(await place(store, session.id, files, again), { ...first, victims: [] });
    },
  },
  {
    name: 'with overdraw, a file that does not fit is ready, and counts as on its way in until it is placed',
    async run(store) {
      const session = await opened(store);
      const [oldest, older] = await filled(store, session.id);
      for (const { id } of [oldest, older]) await store.resources.use(id, null, PROCESS, NOW + 2);
      const file = await complete(store, session.id, 30);
      const { files, victims, hasOverdrawn } = placed(
        await place(store, session.id, [file], { overdraw: true, at: NOW + 3 }),
      );
      same(files, [{ ...file, state: 'ready', processId: null, overdrawn: true }]);
      same([victims, hasOverdrawn], [[], true]);
      same(await countsOf(store, session), [2, 60, 1, 30]);
      assert.equal(record(await store.resources.use(file.id, null, PROCESS, NOW)).uses, 1);
      assert.equal(await store.resources.unuse(file.id, PROCESS, NOW + 3), true);

      assert.equal(await store.resources.unuse(oldest.id, PROCESS, NOW + 4), true);
      const later = placed(await place(store, session.id, [file]));
      same([later.files[0]?.overdrawn, later.hasOverdrawn], [false, false]);
      sameIds(later.victims, [oldest]);
      same(await countsOf(store, session), [2, 60, 0, 0]);
      assert.equal(await store.resources.unuse(older.id, PROCESS, NOW + 5), false);
    },
  },
  {
    name: 'overdrawn files of open sessions are listed, the longest not tried first',
    async run(store) {
      const sessions = await atOnce(3, () => opened(store));
      const files = [];
      for (const [index, { id }] of sessions.entries()) {
        await ready(store, id, 60);
        const file = await complete(store, id, 30);
        const overdrawn = { candidates: [], overdraw: true, at: NOW + index };
        files.push(present(placed(await place(store, id, [file], overdrawn)).files[0]));
      }
      const [first, second, third] = files;
      same(await store.resources.listOverdrawn(NOW + 1, 10), [first, second]);
      same(await store.resources.listOverdrawn(NOW + 9, 2), [first, second]);
      const again = { candidates: [], overdraw: true, at: NOW + 5 };
      await place(store, present(sessions[0]).id, [present(first)], again);
      sameIds(await store.resources.listOverdrawn(NOW + 9, 10), [second, third, first].map(present));
      await store.releases.beginRelease([present(third).id], lease());
      await store.endings.beginEnd(present(sessions[1]).id, { reason: 'ended', at: NOW, lease: lease() });
      sameIds(await store.resources.listOverdrawn(NOW + 9, 10), [present(first)]);
    },
  },
  {
    name: 'an overdrawn file that was tried after an instant that is forgotten is due at it',
    async run(store) {
      const { id } = await opened(store);
      await ready(store, id, 60);
      const file = await complete(store, id, 30);
      await place(store, id, [file], { candidates: [], overdraw: true, at: NOW + 365 * 24 * 60 * MINUTE });
      sameIds(await store.resources.listOverdrawn(NOW + MINUTE, 10), []);
      await store.clock.forgetAfter(NOW + MINUTE);
      sameIds(await store.resources.listOverdrawn(NOW + MINUTE - 1, 10), []);
      sameIds(await store.resources.listOverdrawn(NOW + MINUTE, 10), [file]);
    },
  },
  {
    name: 'a victim of another node is left for that node to lease',
    async run(store) {
      const session = await opened(store);
      const there = await ready(store, session.id, 60, { nodeId: OTHER_NODE });
      const file = await complete(store, session.id, 30);
      const { victims } = placed(await place(store, session.id, [file]));
      sameIds(victims, [there]);
      const leaseThere = lease(NOW + MINUTE, OTHER_PROCESS, OTHER_NODE);
      sameIds(await store.releases.leaseReleasing({ at: NOW, lease: leaseThere, limit: 9 }), [there]);
    },
  },
  {
    name: 'of a concurrent use and eviction only one succeeds',
    async run(store) {
      const session = await opened(store);
      for (let round = 0; round < 10; round += 1) {
        const victim = await ready(store, session.id, 60);
        const file = await complete(store, session.id, 60);
        const candidates = [{ id: victim.id, lastUsedAt: victim.lastUsedAt }];
        const [using, placing] = await Promise.all([
          store.resources.use(victim.id, null, PROCESS, NOW),
          place(store, session.id, [file], { candidates }),
        ]);
        assert.notEqual(using === null, placing === 'full');
        const left = await store.resources.list([session.id]);
        await store.releases.beginRelease(
          left.map(({ id }) => id),
          lease(),
        );
      }
    },
  },
  {
    name: 'concurrent placements never exceed the limits, and evict no more than they need',
    async run(store) {
      const session = await opened(store);
      const limits = { ...LIMITS, maxResources: 10, maxBytes: 100 };
      await atOnce(10, (index) => ready(store, session.id, 10, { createdAt: NOW + index }));
      const files = await atOnce(5, () => complete(store, session.id, 10, { createdAt: NOW + MINUTE }));
      const candidates: Candidate[] = evictionOrder(await store.resources.list([session.id]));
      const answers = await Promise.all(
        files.map((file) => place(store, session.id, [file], { candidates, limits })),
      );
      const victims = answers.flatMap((answer) => placed(answer).victims.map(({ id }) => id));
      same(
        victims.toSorted(),
        candidates
          .slice(0, 5)
          .map(({ id }) => id)
          .toSorted(),
      );
      same(await countsOf(store, session), [10, 100, 0, 0]);
    },
  },
];

/** Two files of 30 bytes, the least recently used first. */
async function filled(store: SessionStore, sessionId: string) {
  const oldest = await ready(store, sessionId, 30);
  return [oldest, await ready(store, sessionId, 30, { createdAt: NOW + 1 })] as const;
}

/** Places files with all that the domain would evict as candidates. */
async function place(
  store: SessionStore,
  sessionId: string,
  files: readonly { readonly id: string }[],
  differing: Partial<Placement> = {},
) {
  const candidates = evictionOrder(await store.resources.list([sessionId]));
  return store.resources.place(placement(sessionId, files, { ...SMALL, candidates, ...differing }));
}
