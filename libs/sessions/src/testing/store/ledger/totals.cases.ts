/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { evictionOrder } from '../../../domain/eviction.js';
import { accountOf, type ResourceRecord } from '../../../domain/resource.js';
import type { SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  countsOf,
  PROCESS,
  lease,
  LIMITS,
  newResource,
  NODE,
  NOW,
  opened,
  OTHER_NODE,
  placement,
  same,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const totalsCases: readonly SessionStoreCase[] = [
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
];

/** Performs operations on a few sessions in a fixed pseudo-random order; answers the session ids. */
export async function mixedOperations(store: SessionStore, count: number): Promise<string[]> {
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
