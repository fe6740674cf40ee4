/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import type { StoreFault, StoreFinding } from '../../../ports/inspection.js';
import type { SessionStore } from '../../../ports/store/session-store.js';
import {
  beat,
  DAY,
  ended,
  lease,
  loggedIn,
  newResource,
  NODE,
  NOW,
  LIMITS,
  opened,
  OTHER_NODE,
  OTHER_PROCESS,
  PROCESS,
  present,
  ready,
  resourceNow,
  same,
  type SessionStoreCase,
} from '../store.fixtures.js';
import { mixedOperations } from './totals.cases.js';

const GHOST_PROCESS = 'a0000000-0000-4000-8000-00000000dead';
const GHOST_NODE = 'b0000000-0000-4000-8000-00000000dead';
const DATA = { maxBytes: 1000, maxKeys: 10 };

export const inspectionCases: readonly SessionStoreCase[] = [
  {
    name: 'an inspection finds nothing in an empty store',
    async run(store) {
      same(await findingsIn(store), []);
    },
  },
  {
    name: 'an inspection finds nothing after hundreds of mixed operations',
    async run(store) {
      await withProcesses(store);
      const sessionIds = await mixedOperations(store, 400);
      for (const id of sessionIds.slice(0, 10)) {
        if ((await store.sessions.find(id))?.state !== 'open') continue;
        await loggedIn(store, { id }, `user ${id.slice(0, 1)}`);
        const changes = [{ key: 'ñ', json: '"🙂"' }];
        await store.data.write(id, null, { operation: id.slice(0, 16), at: NOW, changes, limits: DATA });
      }
      await ended(store, await opened(store));
      same(await findingsIn(store), []);
    },
  },
  {
    name: 'what a process that is not listed holds is found, and given up',
    async run(store) {
      await withProcesses(store);
      const session = await opened(store);
      const upload = newResource(session.id, { processId: GHOST_PROCESS, sizeBytes: 7 });
      assert.equal(await store.resources.reserve(upload, null, LIMITS), 'reserved');
      await store.resources.use((await ready(store, session.id)).id, null, GHOST_PROCESS, NOW);
      await mends(store, 'unowned', GHOST_PROCESS);
      assert.equal((await resourceNow(store, upload)).state, 'releasing');
      const file = (await store.resources.list([session.id])).find(({ state }) => state === 'ready');
      assert.equal(present(file).uses, 0);
    },
  },
  {
    name: 'a node that is not listed and has files is found, and listed',
    async run(store) {
      await withProcesses(store);
      const session = await opened(store);
      await ready(store, session.id, 10, { nodeId: GHOST_NODE });
      await mends(store, 'unknown-node', GHOST_NODE);
      const node = (await store.fleet.listNodes()).find(({ nodeId }) => nodeId === GHOST_NODE);
      assert.equal(node?.resources, 1);
    },
  },
  {
    name: 'a lease that ends later than any is found, and freed',
    async run(store) {
      await withProcesses(store);
      const session = await opened(store);
      const file = await ready(store, session.id);
      await store.releases.beginRelease([file.id], lease(NOW + DAY));
      await mends(store, 'lease', file.id);
      const free = await store.releases.leaseReleasing({ at: NOW, lease: lease(), limit: 10 });
      same(
        free.map(({ id }) => id),
        [file.id],
      );
    },
  },
  {
    name: 'a repair of what is not wrong changes nothing',
    async run(store) {
      await withProcesses(store);
      const session = await opened(store);
      const file = await ready(store, session.id);
      await store.releases.beginRelease([file.id], lease(NOW + DAY));
      const [found] = await findingsIn(store);
      await store.releases.finishRelease([file.id]);
      const before = await store.ledger.totals();
      assert.equal(await store.inspection.recheck(present(found), NOW), null);
      assert.equal(await store.inspection.repair(present(found), NOW), false);
      assert.equal(await store.inspection.repair({ ...present(found), part: 'no such part' }, NOW), false);
      same(await store.ledger.totals(), before);
    },
  },
];

async function withProcesses(store: SessionStore): Promise<void> {
  await store.fleet.heartbeat(beat({}));
  await store.fleet.heartbeat(beat({ processId: OTHER_PROCESS, nodeId: OTHER_NODE }));
  same(
    (await store.fleet.listProcesses()).map(({ processId }) => processId),
    [PROCESS, OTHER_PROCESS],
  );
  assert.equal((await store.fleet.listNodes())[0]?.nodeId, NODE);
}

/** What a whole check finds, and finds again. */
async function findingsIn(store: SessionStore): Promise<StoreFinding[]> {
  const findings: StoreFinding[] = [];
  let cursor: string | null = null;
  do {
    const slice = await store.inspection.check(cursor, NOW);
    for (const finding of slice.findings) {
      const again = await store.inspection.recheck(finding, NOW);
      if (again !== null) findings.push(again);
    }
    cursor = slice.next;
  } while (cursor !== null);
  return findings.filter(({ fault }) => fault !== 'server-settings');
}

/** It is all that is found, the repair changes something once, and then nothing is found. */
async function mends(store: SessionStore, fault: StoreFault, subject: string): Promise<void> {
  const findings = await findingsIn(store);
  same(
    findings.map((finding) => [finding.fault, finding.subject]),
    [[fault, subject]],
  );
  assert.equal(await store.inspection.repair(present(findings[0]), NOW), true);
  assert.equal(await store.inspection.repair(present(findings[0]), NOW), false);
  same(await findingsIn(store), []);
}
