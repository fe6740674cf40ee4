/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { evictionOrder } from '../../domain/eviction.js';
import { accountOf, type ResourceRecord } from '../../domain/resource.js';
import type { JobRun, SessionStore } from '../../ports/session-store.js';
import {
  anEnd,
  atOnce,
  beat,
  complete,
  countsOf,
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
  placement,
  ready,
  rejects,
  resourceNow,
  same,
  sameIds,
  sessionNow,
  writing,
  type SessionStoreCase,
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
        const held = resources.filter(({ sessionId }) => sessionId === session.id);
        const of = (account: string) => held.filter((resource) => accountOf(resource) === account);
        const [inPlace, incoming] = [of('inPlace'), of('incoming')];
        const expected = [inPlace.length, bytesOf(inPlace), incoming.length, bytesOf(incoming)];
        same(await countsOf(store, session), expected, session.id);
        const streams = inPlace.filter(({ type }) => type === 'stream');
        assert.equal(session.streamCount, streams.length, session.id);
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
        store.resources.reserve(newResource(session.id), null, LIMITS),
        store.sessions.open(newSession({ tokenHash: session.tokenHash }), MANY),
        store.resources.reserve(newResource(session.id), null, LIMITS),
      ]);
      same(
        answers.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      assert.equal((await sessionNow(store, session)).incomingCount, 2);
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
      if ((await store.resources.reserve(resource, null, LIMITS)) === 'reserved')
        resourceIds.push(resource.id);
    },
    () => store.resources.grow(oneOf(resourceIds), null, next(1000), LIMITS),
    async () => {
      const sessionId = oneOf(sessionIds);
      const held = await store.resources.list([sessionId]);
      await store.resources.place(
        placement(
          sessionId,
          held.filter(({ state }) => state === 'complete'),
          {
            candidates: evictionOrder(held),
            limits: { ...LIMITS, maxResources: 3 },
            overdraw: next(2) === 0,
          },
        ),
      );
    },
    () => store.resources.complete(oneOf(resourceIds), null, { sizeBytes: 0, mediaType: null, at: NOW }),
    () => store.resources.use(oneOf(resourceIds), null, PROCESS, NOW + next(9)),
    () => store.resources.unuse(oneOf(resourceIds), PROCESS, NOW + next(9)),
    () => store.releases.beginRelease([oneOf(resourceIds)], lease()),
    () => store.releases.finishRelease([oneOf(resourceIds), oneOf(resourceIds)]),
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
