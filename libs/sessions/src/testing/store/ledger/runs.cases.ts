import assert from 'node:assert/strict';
/* oxlint-disable no-await-in-loop -- the order is tested */
import type { JobRun } from '../../../ports/store/session-store.js';
import {
  beat,
  PROCESS,
  MINUTE,
  NOW,
  OTHER_PROCESS,
  same,
  type SessionStoreCase,
  NODE,
  OTHER_NODE,
} from '../store.fixtures.js';

export const runCases: readonly SessionStoreCase[] = [
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
    name: 'failures of a node are kept until they are forgotten, the latest of each item',
    async run(store) {
      const [first, second] = [
        { item: 'Session 1', tries: 1, retryAt: NOW },
        { item: 'The empty folder of session 2', tries: 4, retryAt: NOW + MINUTE },
      ];
      same(await store.ledger.listFailures(NODE), []);
      await store.ledger.noteFailures(NODE, []);
      await store.ledger.noteFailures(NODE, [second, { ...first, tries: 7 }]);
      await store.ledger.noteFailures(NODE, [first]);
      await store.ledger.noteFailures(OTHER_NODE, [first]);
      same(await store.ledger.listFailures(NODE), [first, second]);
      await store.ledger.forgetFailures(NODE, []);
      await store.ledger.forgetFailures(NODE, [first.item, 'Session of nobody']);
      same(await store.ledger.listFailures(NODE), [second]);
      same(await store.ledger.listFailures(OTHER_NODE), [first]);
    },
  },
  {
    name: 'a node keeps 1,000 failures, and the later ones of those',
    async run(store) {
      const many = Array.from({ length: 1005 }, (_, index) => ({
        item: `Session ${index}`,
        tries: 1,
        retryAt: NOW,
      }));
      await store.ledger.noteFailures(NODE, many);
      assert.equal((await store.ledger.listFailures(NODE)).length, 1000);
      await store.ledger.noteFailures(NODE, [{ item: 'Session 0', tries: 2, retryAt: NOW + 1 }]);
      const [kept] = await store.ledger.listFailures(NODE);
      same(kept, { item: 'Session 0', tries: 2, retryAt: NOW + 1 });
    },
  },
];

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
