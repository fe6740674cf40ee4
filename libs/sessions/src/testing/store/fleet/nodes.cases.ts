/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import type { SessionStore } from '../../../ports/store/session-store.js';
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
  newResource,
  NODE,
  NOW,
  opened,
  openedMany,
  OTHER_PROCESS,
  OTHER_NODE,
  present,
  ready,
  resourceNow,
  same,
  sameIds,
  SECOND,
  sessionNow,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

const THERE = { nodeId: OTHER_NODE } as const;
const LATER = NOW + MINUTE;

/** A lease of the other node. */
const leaseThere = () => lease(LATER + MINUTE, OTHER_PROCESS, OTHER_NODE);
const leaseRequestThere = (at = LATER) => ({ at, lease: leaseThere(), limit: 10 });
const leaseRequestHere = (at = LATER) => ({ at, lease: lease(LATER + MINUTE), limit: 10 });

export const nodeCases: readonly SessionStoreCase[] = [
  {
    name: 'a file records its node, a stream records none',
    async run(store) {
      const session = await opened(store);
      const file = await ready(store, session.id, 10, THERE);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      assert.equal(file.nodeId, OTHER_NODE);
      assert.equal((await resourceNow(store, stream)).nodeId, null);
    },
  },
  {
    name: 'an end has a part for each node with files, and is finished with the last part',
    async run(store) {
      const session = await opened(store);
      await ready(store, session.id, 30);
      await ready(store, session.id, 12, THERE);
      await writing(store, session.id, 0, { type: 'stream' });
      assert.equal(present(await store.endings.beginEnd(session.id, anEnd())).hasFiles, true);
      same(await store.endings.finishEnd(session.id, NODE, NOW + SECOND), { resources: 2, bytes: 30 });
      same(await store.endings.finishEnd(session.id, NODE, NOW + SECOND), { resources: 0, bytes: 0 });

      const waiting = await sessionNow(store, session);
      same([waiting.state, waiting.resourceCount, waiting.bytesUsed], ['ending', 1, 12]);
      same([waiting.ipAddress, waiting.userAgent], ['', '']);
      assert.equal((await store.ledger.totals()).ending, 1);
      const [left] = await store.resources.list([session.id]);
      assert.equal(left?.nodeId, OTHER_NODE);

      same(await store.endings.finishEnd(session.id, OTHER_NODE, NOW + SECOND), { resources: 1, bytes: 12 });
      same((await sessionNow(store, session)).state, 'ended');
      assert.equal((await store.ledger.totals()).ending, 0);
    },
  },
  {
    name: 'only the other node can lease its part: at once, even if its clock is behind, and by one caller',
    async run(store) {
      const session = await opened(store);
      await ready(store, session.id, 12, THERE);
      const end = anEnd({ at: NOW + SECOND });
      assert.equal(present(await store.endings.beginEnd(session.id, end)).hasFiles, false);
      same(await store.endings.leaseEnding(leaseRequestHere()), []);
      const leased = await atOnce(5, () => store.endings.leaseEnding(leaseRequestThere(NOW)));
      sameIds(leased.flat(), [session]);
      assert.equal(leased.flat()[0]?.hasFiles, true);
      same(await store.endings.leaseEnding(leaseRequestThere(LATER + MINUTE - 1)), []);
      sameIds(await store.endings.leaseEnding(leaseRequestThere(LATER + MINUTE)), [session]);
    },
  },
  {
    name: 'any node can lease an end without files',
    async run(store) {
      const session = await opened(store);
      await store.endings.beginEnd(session.id, anEnd({ lease: lease(NOW + SECOND) }));
      const [leased, ...others] = await store.endings.leaseEnding(leaseRequestThere());
      sameIds([present(leased)], [session]);
      assert.equal(others.length, 0);
      assert.equal(leased?.hasFiles, false);
      await store.endings.finishEnd(session.id, OTHER_NODE, LATER);
      same((await sessionNow(store, session)).state, 'ended');
    },
  },
  {
    name: 'a node without files of a session drops its streams and leaves the end to the nodes with files',
    async run(store) {
      const session = await opened(store);
      await ready(store, session.id, 12, THERE);
      await writing(store, session.id, 0, { type: 'stream' });
      await store.endings.beginEnd(session.id, anEnd());
      same(await store.endings.finishEnd(session.id, NODE, NOW), { resources: 1, bytes: 0 });
      same((await sessionNow(store, session)).state, 'ending');
      same(
        (await store.resources.list([session.id])).map(({ type }) => type),
        ['audio_file'],
      );
    },
  },
  {
    name: 'the feed lists the nodes that still have files of an ending session',
    async run(store) {
      const session = await opened(store);
      await ready(store, session.id, 1, THERE);
      await ready(store, session.id, 1);
      const { position } = await store.feed.read(null, 10);
      await store.endings.beginEnd(session.id, anEnd());
      const nodes = async () => (await store.feed.read(position, 10)).changes.map((change) => change.nodes);
      same(await nodes(), [[NODE, OTHER_NODE]]);
      await store.endings.finishEnd(session.id, NODE, NOW);
      same(await nodes(), [[OTHER_NODE]]);
      await store.endings.finishEnd(session.id, OTHER_NODE, NOW);
      same(await nodes(), [[]]);
    },
  },
  {
    name: 'a file released on another node leaves its place at once, and only that node can lease it',
    async run(store) {
      const session = await opened(store);
      const file = await ready(store, session.id, 30, THERE);
      await ready(store, session.id, 12);
      const [marked] = await store.releases.beginRelease([file.id], lease());
      same([marked?.id, marked?.state], [file.id, 'releasing']);
      same(marked, await resourceNow(store, file));
      same(await countsOf(store, session), [1, 12, 0, 0]);
      same((await audioTotals(store)).slice(0, 2), [2, 42]);

      same(await store.releases.leaseReleasing(leaseRequestHere()), []);
      sameIds(await store.releases.leaseReleasing(leaseRequestThere()), [file]);
      same(await store.releases.leaseReleasing(leaseRequestThere()), []);
      same(await store.releases.finishRelease([file.id]), { resources: 1, bytes: 30 });
      same(await countsOf(store, session), [1, 12, 0, 0]);
      same(await audioTotals(store), [1, 12, 1, 30, 0]);
    },
  },
  {
    name: 'an end counts a file that was released before only once',
    async run(store) {
      const session = await opened(store);
      const file = await ready(store, session.id, 30, THERE);
      await store.releases.beginRelease([file.id], lease());
      same(await countsOf(store, session), [0, 0, 0, 0]);
      assert.equal(
        present(await store.endings.beginEnd(session.id, anEnd({ lease: leaseThere() }))).hasFiles,
        true,
      );
      same(await store.endings.finishEnd(session.id, OTHER_NODE, NOW), { resources: 1, bytes: 30 });
      same((await sessionNow(store, session)).state, 'ended');
      same(await countsOf(store, session), [0, 0, 0, 0]);
      same(await audioTotals(store), [0, 0, 1, 30, 0]);
    },
  },
  {
    name: 'each node can lease the unfinished files of a dead process on it, and any node its streams',
    async run(store) {
      const session = await opened(store);
      await store.fleet.heartbeat(beat({ nodeId: OTHER_NODE }));
      const file = await writing(store, session.id, 50, THERE);
      const stream = await writing(store, session.id, 0, { type: 'stream' });
      assert.equal(await store.fleet.dropProcess(PROCESS, NOW), true);
      same(await countsOf(store, session), [0, 0, 0, 0]);
      sameIds(await store.releases.leaseReleasing(leaseRequestHere()), [stream]);
      sameIds(await store.releases.leaseReleasing(leaseRequestThere()), [file]);
      same(await store.releases.finishRelease([file.id, stream.id]), { resources: 1, bytes: 0 });
      same(await countsOf(store, session), [0, 0, 0, 0]);
    },
  },
  {
    name: 'a heartbeat answers whether the process was listed, and a process is told apart from what it holds',
    async run(store) {
      const session = await opened(store);
      same([await store.fleet.heartbeat(beat({})), await store.fleet.heartbeat(beat({}))], [false, true]);
      const file = await writing(store, session.id);
      const done = await complete(store, session.id, 5);
      await ready(store, session.id, 5);
      const held = [file, done].toSorted((one, other) => (one.id < other.id ? -1 : 1));
      sameIds(await store.fleet.listHeld(PROCESS), held);
      same(await store.fleet.listHeld(OTHER_PROCESS), []);
      await store.fleet.dropProcess(PROCESS, LATER);
      same(await store.fleet.listHeld(PROCESS), []);
      same([await store.fleet.heartbeat(beat({})), await store.fleet.heartbeat(beat({}))], [false, true]);
    },
  },
  {
    name: 'nodes are listed with address, last heartbeat and number of files',
    async run(store) {
      same(await store.fleet.listNodes(), []);
      const session = await opened(store);
      await ready(store, session.id, 1, THERE);
      await writing(store, session.id, 1, THERE);
      await writing(store, session.id, 0, { type: 'stream' });
      const address = 'https://b.example.com';
      await store.fleet.heartbeat(beat({ nodeId: OTHER_NODE, address, at: NOW + 5 }));
      await store.fleet.heartbeat(
        beat({ processId: OTHER_PROCESS, nodeId: OTHER_NODE, role: 'cli', at: NOW }),
      );
      await store.fleet.heartbeat(
        beat({ processId: OTHER_PROCESS, beacon: 'x', keyIds: ['3f9a01c2', '00000000'] }),
      );
      same(await store.fleet.listNodes(), [
        { nodeId: NODE, address: null, lastSeenAt: NOW, resources: 0 },
        { nodeId: OTHER_NODE, address, lastSeenAt: NOW + 5, resources: 2 },
      ]);
      const [, last] = await store.fleet.listProcesses();
      same([last?.nodeId, last?.beacon, last?.keyIds], [NODE, 'x', ['3f9a01c2', '00000000']]);
    },
  },
  {
    name: 'a node with a later heartbeat, or an unknown one, is not forgotten',
    async run(store) {
      await store.fleet.heartbeat(beat({ at: NOW + 1 }));
      assert.equal(await store.fleet.forgetNode(NODE, NOW, LATER), null);
      assert.equal(await store.fleet.forgetNode(OTHER_NODE, LATER, LATER), null);
      assert.equal((await store.fleet.listNodes()).length, 1);
    },
  },
  {
    name: 'forgetting a node drops its files, and finishes the ends that waited only for it',
    async run(store) {
      const [open, waiting, both] = await openedMany(store, 3);
      assert.ok(open && waiting && both);
      await store.fleet.heartbeat(beat({ nodeId: OTHER_NODE }));
      for (const session of [open, waiting, both]) await ready(store, session.id, 10, THERE);
      await ready(store, open.id, 5);
      await writing(store, open.id, 0, { type: 'stream' });
      await ready(store, both.id, 5);
      for (const session of [waiting, both]) await store.endings.beginEnd(session.id, anEnd());

      await store.ledger.noteFailures(OTHER_NODE, [{ item: 'Session x', tries: 5, retryAt: LATER }]);

      same(await store.fleet.forgetNode(OTHER_NODE, NOW, LATER), { resources: 3, bytes: 30 });
      // They count as released, but nobody has deleted their bytes.
      same(await audioTotals(store), [2, 10, 3, 0, 0]);
      same(await store.ledger.listFailures(OTHER_NODE), []);
      same(await store.fleet.listNodes(), []);
      const records = [
        await sessionNow(store, open),
        await sessionNow(store, waiting),
        await sessionNow(store, both),
      ];
      same(
        records.map(({ state, resourceCount, bytesUsed }) => [state, resourceCount, bytesUsed]),
        [
          ['open', 2, 5],
          ['ended', 0, 0],
          ['ending', 1, 5],
        ],
      );
      assert.notEqual(records[0]?.ipAddress, '');
      same(await store.endings.finishEnd(both.id, NODE, LATER), { resources: 1, bytes: 5 });
      same((await sessionNow(store, both)).state, 'ended');
      assert.equal(await store.fleet.forgetNode(OTHER_NODE, LATER, LATER), null);
      assert.equal(await store.resources.reserve(newResource(open.id), null, LIMITS), 'reserved');
    },
  },
];

async function audioTotals(store: SessionStore): Promise<number[]> {
  const audio = present((await store.ledger.totals()).types.find(({ type }) => type === 'audio_file'));
  return [audio.active, audio.activeBytes, audio.released, audio.releasedBytes, audio.evicted];
}
