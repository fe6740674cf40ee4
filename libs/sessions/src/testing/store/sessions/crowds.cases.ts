/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { PROVISIONAL_MS } from '../../../domain/lifetime.js';
import { countEvent, RATE_WINDOW_MS, type RateRing } from '../../../domain/rates/rate-ring.js';
import type { NetworkLimits, OpeningLimits } from '../../../ports/sessions.js';
import type { SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  loggedIn,
  MANY,
  newSession,
  NOW,
  opened,
  openedMany,
  present,
  ready,
  same,
  sameIds,
  SECOND,
  tally,
  upTo,
  type SessionStoreCase,
} from '../store.fixtures.js';

/** Limits of one network, which no case reaches unless it says so. */
function within(differing: Partial<NetworkLimits> = {}, maxSessions = MANY.maxSessions): OpeningLimits {
  return {
    maxSessions,
    network: { key: '192.0.2.7/32', openRate: 1000, maxUnconfirmed: 1000, ...differing },
  };
}

/** Opens a session at an instant; answers its id, or what refused it. */
async function openAt(store: SessionStore, at: number, limits: OpeningLimits): Promise<string> {
  const session = newSession({ createdAt: at });
  const answer = await store.sessions.open(session, limits);
  if (answer === 'opened') return session.id;
  return typeof answer === 'string' ? answer : answer.refused;
}

export const crowdCases: readonly SessionStoreCase[] = [
  {
    name: 'evictable sessions: first those whose cookie never came back, holding nothing, then with resources, then confirmed ones that hold nothing',
    async run(store) {
      const sessions = await openedMany(store, 7, (index) => ({ createdAt: NOW - index }));
      const [late, early, uploading, oldest, holding, bound, over] = sessions;
      assert.ok(late && early && uploading && oldest && holding && bound && over);
      await ready(store, uploading.id);
      await ready(store, holding.id);
      await loggedIn(store, bound);
      const confirmed = [oldest, holding].map(({ id, createdAt }) => ({
        sessionId: id,
        at: createdAt,
        requests: 1,
      }));
      await store.sessions.touch(confirmed);
      await store.endings.beginEnd(over.id, anEnd());
      sameIds(await store.sessions.findEvictable(10), [early, late, uploading, oldest]);
      sameIds(await store.sessions.findEvictable(1), [early]);
    },
  },
  {
    name: 'a session is not evicted at a later rank than it was chosen at, nor one with a user',
    async run(store) {
      const [returned, uploading, bound, empty] = await openedMany(store, 4);
      assert.ok(returned && uploading && bound && empty);
      await store.sessions.touch([{ sessionId: returned.id, at: NOW, requests: 1 }]);
      await ready(store, uploading.id);
      await loggedIn(store, bound);
      const end = anEnd({ reason: 'evicted' });
      const [first, second, last] = ([0, 1, 2] as const).map((evictionRank) => ({
        lastActivityAt: NOW,
        evictionRank,
      }));
      assert.equal(await store.endings.beginEnd(returned.id, end, first), null);
      assert.equal(await store.endings.beginEnd(returned.id, end, second), null);
      assert.equal(await store.endings.beginEnd(uploading.id, end, first), null);
      assert.equal(await store.endings.beginEnd(bound.id, end, last), null);
      present(await store.endings.beginEnd(returned.id, end, last));
      present(await store.endings.beginEnd(uploading.id, end, second));
      present(await store.endings.beginEnd(empty.id, end, first));
    },
  },
  {
    name: 'a network opens at most its rate in any minute, and says when the next opening fits',
    async run(store) {
      const limits = within({ openRate: 3 });
      let ring: RateRing | null = null;
      for (let at = NOW; at < NOW + 4 * RATE_WINDOW_MS; at += 7_321) {
        const session = newSession({ createdAt: at });
        const expected = countEvent(ring, at, 3);
        const answer = await store.sessions.open(session, limits);
        if (expected.ring === null) {
          same(answer, { refused: 'rate', retryAfterMs: expected.retryAfterMs });
        } else {
          assert.equal(answer, 'opened');
          ring = expected.ring;
        }
      }
      assert.equal((await store.ledger.totals()).open, (await store.sessions.findEvictable(99)).length);
    },
  },
  {
    name: 'concurrent openings of a network succeed exactly up to its limits, whatever others open',
    async run(store) {
      const rate = within({ openRate: 10 });
      const other = within({ key: '192.0.2.8/32', maxUnconfirmed: 7 });
      const [ours, theirs] = await Promise.all([
        atOnce(40, () => store.sessions.open(newSession(), rate)),
        atOnce(40, () => store.sessions.open(newSession(), other)),
      ]);
      same(tally(ours), { opened: 10, rate: 30 });
      same(tally(theirs), { opened: 7, unconfirmed: 33 });
      assert.equal((await store.ledger.totals()).open, 17);
    },
  },
  {
    name: 'a limit of 0 is none, and a session without a network counts for none',
    async run(store) {
      const none = within({ openRate: 0, maxUnconfirmed: 0 });
      same(tally(await atOnce(20, () => store.sessions.open(newSession(), none))), { opened: 20 });
      same(tally(await atOnce(20, () => store.sessions.open(newSession(), MANY))), { opened: 20 });
      // Those of the network were counted all the same: limits may differ between processes.
      assert.equal(await openAt(store, NOW, within({ maxUnconfirmed: 20 })), 'unconfirmed');
    },
  },
  {
    name: 'a network that is refused makes no room, and an opening that finds none is not counted',
    async run(store) {
      const limits = within({ openRate: 2 }, 1);
      await openAt(store, NOW, limits);
      assert.equal(await openAt(store, NOW, limits), 'full');
      assert.equal(await openAt(store, NOW, limits), 'full');
      const roomy = within({ openRate: 2 }, 9);
      assert.notEqual(await openAt(store, NOW, roomy), 'rate');
      assert.equal(await openAt(store, NOW, within({ openRate: 2 }, 2)), 'rate');
    },
  },
  {
    name: 'an unconfirmed session frees its place when its cookie comes back, it gets a resource or a user, or it ends',
    async run(store) {
      const limits = within({ maxUnconfirmed: 1 });
      const frees: readonly ((id: string) => Promise<unknown>)[] = [
        (id) => store.sessions.touch([{ sessionId: id, at: NOW, requests: 1 }]),
        async (id) => {
          await ready(store, id);
          await store.sessions.touch([{ sessionId: id, at: NOW, requests: 0 }]);
        },
        async (id) => {
          await loggedIn(store, { id });
          await store.sessions.touch([{ sessionId: id, at: NOW, requests: 0 }]);
        },
        (id) => store.endings.beginEnd(id, anEnd()),
      ];
      for (const free of frees) {
        const id = await openAt(store, NOW, limits);
        assert.equal(await openAt(store, NOW, limits), 'unconfirmed');
        await store.sessions.touch([{ sessionId: id, at: NOW, requests: 0 }]);
        assert.equal(await openAt(store, NOW, limits), 'unconfirmed');
        await free(id);
      }
      assert.notEqual(await openAt(store, NOW, limits), 'unconfirmed');
    },
  },
  {
    name: 'an unconfirmed session holds its place until its idle end, though no cleanup has ended it, and longer if it is touched',
    async run(store) {
      const limits = within({ maxUnconfirmed: 1 });
      const id = await openAt(store, NOW, limits);
      const second = newSession({ createdAt: NOW + 10 * SECOND });
      same(await store.sessions.open(second, limits), {
        refused: 'unconfirmed',
        retryAfterMs: PROVISIONAL_MS - 10 * SECOND,
      });
      await store.sessions.touch([{ sessionId: id, at: NOW + 30 * SECOND, requests: 0 }]);
      const end = NOW + 30 * SECOND + PROVISIONAL_MS;
      assert.equal(await openAt(store, end - 1, limits), 'unconfirmed');
      assert.notEqual(await openAt(store, end, limits), 'unconfirmed');
    },
  },
  {
    name: 'networks without recent openings are forgotten, and others are not',
    async run(store) {
      const limits = within({ openRate: 1 });
      const later = within({ openRate: 1, key: '192.0.2.9/32' });
      await openAt(store, NOW, limits);
      await openAt(store, NOW + RATE_WINDOW_MS, later);
      await store.sessions.forgetNetworks(NOW + RATE_WINDOW_MS + 5 * SECOND);
      assert.equal(await openAt(store, NOW + RATE_WINDOW_MS + 5 * SECOND, later), 'rate');
      await store.sessions.forgetNetworks(NOW + 4 * RATE_WINDOW_MS);
      assert.equal(await store.sessions.forgetNetworks(NOW + 4 * RATE_WINDOW_MS), 0);
    },
  },
  {
    name: 'opening a session again, though its network is at its limits, answers opened',
    async run(store) {
      const limits = within({ openRate: 1, maxUnconfirmed: 1 });
      const session = newSession();
      assert.equal(await store.sessions.open(session, limits), 'opened');
      assert.equal(await store.sessions.open(session, limits), 'opened');
      assert.equal((await store.ledger.totals()).created, 1);
      const other = await opened(store);
      assert.equal(await store.sessions.open(other, upTo(1)), 'opened');
    },
  },
];
