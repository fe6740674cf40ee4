/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ResourceRecord } from '../../domain/resource.js';
import type { JobRun, SessionStore } from '../../ports/session-store.js';
import type { SessionStoreCase } from './store.case.js';
import {
  anEnd,
  atOnce,
  beat,
  PROCESS,
  lease,
  LIMITS,
  MINUTE,
  MANY,
  newResource,
  newSession,
  NODE,
  NOW,
  opened,
  OTHER_PROCESS,
  OTHER_NODE,
  ready,
  rejects,
  resourceNow,
  same,
  sameIds,
  sessionNow,
  writing,
} from './store.fixtures.js';

export const bookkeepingCases: readonly SessionStoreCase[] = [
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
    name: 'striking a process off voids its uses and frees only its unfinished files and streams',
    async run(store) {
      const session = await opened(store);
      await store.fleet.heartbeat(beat({}));
      const file = await ready(store, session.id);
      await store.resources.use(file.id, PROCESS, NOW);
      await store.resources.use(file.id, PROCESS, NOW);
      await store.resources.use(file.id, OTHER_PROCESS, NOW);
      const unfinished = await writing(store, session.id, 5, { createdAt: NOW + 1 });
      const stream = await writing(store, session.id, 0, { type: 'stream', createdAt: NOW + 2 });
      const others = await writing(store, session.id, 5, { processId: OTHER_PROCESS });
      same((await sessionNow(store, session)).resourceCount, 4);

      assert.equal(await store.fleet.dropProcess(PROCESS, NOW), true);
      same((await resourceNow(store, file)).uses, 1);
      same((await resourceNow(store, others)).state, 'writing');
      const { resourceCount, bytesUsed } = await sessionNow(store, session);
      same([resourceCount, bytesUsed], [2, 15]);
      const leased = await store.releases.leaseReleasing({ at: NOW, lease: lease(), limit: 10 });
      sameIds(
        leased.toSorted((a, b) => a.createdAt - b.createdAt),
        [unfinished, stream],
      );
      await store.resources.unuse(file.id, PROCESS, NOW + 9);
      same((await resourceNow(store, file)).uses, 1);
      assert.equal(await store.resources.grow(unfinished.id, 1, LIMITS), 'gone');
    },
  },
  {
    name: 'each job keeps its latest run, the end of its latest success, and the sums of all runs',
    async run(store) {
      same(await store.ledger.listRuns(), []);
      await store.ledger.recordRun(run({ items: 3 }));
      const failures = { failures: 2, items: 1, lastError: 'no', nextRunAt: null };
      await store.ledger.recordRun(run({ ...failures, startedAt: NOW + 100, succeeded: false }));
      await store.ledger.recordRun(run({ job: 'expired', failures: 1, succeeded: false }));
      same(await store.ledger.listRuns(), [
        {
          ...recordOf(run({ job: 'expired', failures: 1 })),
          failedRuns: 1,
          runs: 1,
          totalItems: 0,
          totalFailures: 1,
          lastSuccessAt: null,
        },
        {
          ...recordOf(run({ ...failures, startedAt: NOW + 100 })),
          failedRuns: 1,
          runs: 2,
          totalItems: 4,
          totalFailures: 2,
          lastSuccessAt: NOW + 5,
        },
      ]);
    },
  },
  {
    name: 'failed runs in a row are counted for each job and process, until that process succeeds or is dropped',
    async run(store) {
      const troubles = async () =>
        (await store.ledger.listRuns()).map(({ job, failedRuns, waiting, found }) => [
          job,
          failedRuns,
          waiting,
          found,
        ]);
      await store.fleet.heartbeat(beat({ processId: OTHER_PROCESS }));
      await store.ledger.recordRun(run({ failures: 1 }));
      await store.ledger.recordRun(run({ job: 'orphans', waiting: 2, found: 3 }));
      await store.ledger.recordRun(run({ job: 'orphans', waiting: 1, found: 0 }));
      await store.ledger.recordRun(run({ processId: OTHER_PROCESS }));
      await store.ledger.recordRun(run({ job: 'orphans', processId: OTHER_PROCESS, found: 7 }));
      same(await troubles(), [
        ['idle', 1, 0, 0],
        ['orphans', 2, 1, 7],
      ]);
      await store.ledger.recordRun(run({}));
      await store.ledger.recordRun(run({ job: 'orphans' }));
      same(await troubles(), [
        ['idle', 0, 0, 0],
        ['orphans', 0, 0, 7],
      ]);
      await store.fleet.dropProcess(OTHER_PROCESS, NOW + MINUTE);
      same((await troubles())[1], ['orphans', 0, 0, 0]);
    },
  },
  {
    name: 'an empty store has totals of zero',
    async run(store) {
      same(await store.ledger.totals(), {
        created: 0,
        open: 0,
        ending: 0,
        ended: { idle: 0, expired: 0, ended: 0, admin: 0, evicted: 0, unconfirmed: 0 },
        endedDurationMs: 0,
        types: [],
      });
    },
  },
  {
    name: 'totals and counts stay correct through hundreds of mixed operations',
    async run(store) {
      const sessionIds = await mixedOperations(store, 400);
      const sessions = (await Promise.all(sessionIds.map((id) => store.sessions.find(id)))).filter(
        (s) => s !== null,
      );
      const resources = await store.resources.list(sessionIds);
      for (const session of sessions) {
        const held = resources.filter(({ sessionId, freed }) => sessionId === session.id && !freed);
        same([session.resourceCount, session.bytesUsed], [held.length, bytesOf(held)], session.id);
      }
      const totals = await store.ledger.totals();
      const inState = (state: string) => sessions.filter((session) => session.state === state).length;
      same(
        [totals.created, totals.open, totals.ending],
        [sessionIds.length, inState('open'), inState('ending')],
      );
      const ended = Object.values(totals.ended).reduce((sum, count) => sum + count, 0);
      assert.equal(ended, totals.created - totals.open);
      for (const { type, active, activeBytes } of totals.types) {
        const held = resources.filter((resource) => resource.type === type);
        same([active, activeBytes], [held.length, bytesOf(held)], type);
      }
    },
  },
  {
    name: 'concurrent calls are all answered, and a refused one affects no other',
    async run(store) {
      const session = await opened(store);
      const answers = await Promise.allSettled([
        store.resources.reserve(newResource(session.id), LIMITS),
        store.sessions.open(newSession({ tokenHash: session.tokenHash }), MANY),
        store.resources.reserve(newResource(session.id), LIMITS),
      ]);
      same(
        answers.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      assert.equal((await sessionNow(store, session)).resourceCount, 2);
    },
  },
  {
    name: 'close finishes accepted calls, and a closed store rejects calls',
    async run(store) {
      const session = newSession();
      const opening = store.sessions.open(session, MANY);
      await store.close();
      assert.equal(await opening, 'opened');
      await rejects(store.sessions.find(session.id), 'STORE_UNAVAILABLE');
      await store.close();
    },
  },
  {
    name: 'connecting again loses nothing',
    async run(store) {
      const session = await opened(store);
      await store.connect();
      assert.equal((await sessionNow(store, session)).state, 'open');
    },
  },
];

/** Performs operations on a few sessions in a fixed pseudo-random order; answers the session ids. */
async function mixedOperations(store: SessionStore, count: number): Promise<string[]> {
  const sessionIds: string[] = [];
  const resourceIds: string[] = [];
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const oneOf = (ids: readonly string[]): string => ids[next(ids.length)] ?? randomUUID();
  const operations: (() => Promise<unknown>)[] = [
    async () => sessionIds.push((await opened(store)).id),
    async () => {
      const isFile = next(2) === 0;
      const nodeId = next(2) === 0 ? NODE : OTHER_NODE;
      const resource = newResource(oneOf(sessionIds), isFile ? { nodeId } : { type: 'stream', nodeId: null });
      if ((await store.resources.reserve(resource, LIMITS)) === 'reserved') resourceIds.push(resource.id);
    },
    () => store.resources.grow(oneOf(resourceIds), next(1000), LIMITS),
    () => store.resources.settle(oneOf(resourceIds), { sizeBytes: 0, mediaType: null, at: NOW }),
    () => store.resources.use(oneOf(resourceIds), PROCESS, NOW + next(9)),
    () => store.resources.unuse(oneOf(resourceIds), PROCESS, NOW + next(9)),
    () =>
      store.releases.beginRelease(
        [{ id: oneOf(resourceIds), lastUsedAt: NOW }],
        lease(),
        next(2) === 0 ? 'unused' : 'any',
      ),
    () =>
      store.releases.finishRelease(
        [oneOf(resourceIds), oneOf(resourceIds)],
        next(2) === 0 ? 'evicted' : 'released',
      ),
    () => (next(3) === 0 ? store.endings.beginEnd(oneOf(sessionIds), anEnd()) : Promise.resolve()),
    () => store.endings.finishEnd(oneOf(sessionIds), next(2) === 0 ? NODE : OTHER_NODE, NOW),
  ];
  for (let step = 0; step < count; step += 5) {
    await atOnce(5, async () => operations[next(operations.length)]?.());
  }
  return sessionIds;
}

function bytesOf(resources: readonly ResourceRecord[]): number {
  return resources.reduce((sum, resource) => sum + resource.sizeBytes, 0);
}

/** A run as its record has it. */
function recordOf({
  processId: _processId,
  succeeded: _succeeded,
  ...rest
}: JobRun): Omit<JobRun, 'processId' | 'succeeded'> {
  return rest;
}

function run(differing: Partial<JobRun>): JobRun {
  return {
    job: 'idle',
    startedAt: NOW,
    durationMs: 5,
    items: 0,
    failures: 0,
    processId: PROCESS,
    waiting: 0,
    found: 0,
    succeeded: true,
    nextRunAt: NOW + 60_000,
    lastError: null,
    ...differing,
  };
}
