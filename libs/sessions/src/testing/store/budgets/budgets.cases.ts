import assert from 'node:assert/strict';
import { NO_BUDGETS, NO_USAGE, type BudgetLimits, type Usage } from '../../../domain/budgets.js';
import type { NewSession } from '../../../domain/session.js';
import type { OpeningLimits, SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  complete,
  lease,
  LIMITS,
  loggedIn,
  MANY,
  newResource,
  newSession,
  newToken,
  NODE,
  NOW,
  opened,
  placed,
  placement,
  present,
  ready,
  same,
  sameIds,
  SECOND,
  sessionNow,
  tally,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

const NETWORK = '192.0.2.7/32';

function from(key: string, maxSessions = 0): OpeningLimits {
  return { ...MANY, network: { key, openRate: 0, maxUnconfirmed: 0, maxSessions } };
}

async function openedFrom(store: SessionStore, limits: OpeningLimits): Promise<NewSession> {
  const session = newSession();
  assert.equal(await store.sessions.open(session, limits), 'opened');
  return session;
}

/** A session of this user. */
async function sessionOf(store: SessionStore, userId: string, limits = MANY): Promise<NewSession> {
  const session = await openedFrom(store, limits);
  await loggedIn(store, session, userId);
  return session;
}

async function counts(store: SessionStore, userId: string, expected: Partial<Usage>): Promise<void> {
  same(await store.budgets.ofUser(userId), { ...NO_USAGE, ...expected });
}

/** What a store answers that keeps limits beyond a session; the others refuse nothing by them. */
function refusedBy<Answer>(store: SessionStore, refusal: Answer): Answer | 'reserved' {
  return store.keepsBudgets ? refusal : 'reserved';
}

function reserving(
  store: SessionStore,
  { id }: { readonly id: string },
  bytes: number,
  limits: Partial<BudgetLimits>,
) {
  const resource = newResource(id, { sizeBytes: bytes });
  return store.resources.reserve(resource, null, LIMITS, { ...NO_BUDGETS, ...limits });
}

export const budgetCases: readonly SessionStoreCase[] = [
  {
    name: 'a user counts for the files of all open sessions, from their reservation until their release',
    async run(store) {
      await counts(store, 'ada', {});
      const [one, two] = [await sessionOf(store, 'ada'), await sessionOf(store, 'ada')];
      await sessionOf(store, 'grace');
      await counts(store, 'ada', { sessions: 2 });
      const file = await writing(store, one.id, 100);
      await ready(store, two.id, 7);
      await counts(store, 'ada', { sessions: 2, resources: 2, bytes: 107 });
      const at = NOW;
      const done = present(
        await store.resources.complete(file.id, null, { sizeBytes: 40, mediaType: null, at }),
      );
      await counts(store, 'ada', { sessions: 2, resources: 2, bytes: 47 });
      assert.ok(typeof done === 'object');
      placed(await store.resources.place(placement(one.id, [done])));
      await counts(store, 'ada', { sessions: 2, resources: 2, bytes: 47 });
      await store.releases.beginRelease([file.id], lease());
      await counts(store, 'ada', { sessions: 2, resources: 1, bytes: 7 });
      await counts(store, 'grace', { sessions: 1 });
    },
  },
  {
    name: 'a session that is over counts for nobody, from the begin of its end',
    async run(store) {
      const [one, two] = [await sessionOf(store, 'ada'), await sessionOf(store, 'ada')];
      await ready(store, one.id, 10);
      await ready(store, two.id, 20);
      await store.endings.beginEnd(one.id, anEnd());
      await counts(store, 'ada', { sessions: 1, resources: 1, bytes: 20 });
      await store.endings.finishEnd(one.id, NODE, NOW + SECOND);
      await store.endings.beginEnd(two.id, anEnd());
      await counts(store, 'ada', {});
      same(await store.budgets.listUsers({ limit: 10 }), []);
    },
  },
  {
    name: 'users with open sessions are counted once, by a store that can count them',
    async run(store) {
      const users = await store.budgets.countUsers();
      if (users === null) return;
      const [one, two] = [await sessionOf(store, 'ada'), await sessionOf(store, 'ada')];
      await sessionOf(store, 'eve');
      await opened(store);
      assert.equal(await store.budgets.countUsers(), users + 2);
      await store.endings.beginEnd(one.id, anEnd());
      assert.equal(await store.budgets.countUsers(), users + 2);
      await store.endings.beginEnd(two.id, anEnd());
      assert.equal(await store.budgets.countUsers(), users + 1);
    },
  },
  {
    name: 'streams count for no budget',
    async run(store) {
      const session = await sessionOf(store, 'ada');
      const stream = newResource(session.id, { type: 'stream' });
      const none = { ...NO_BUDGETS, maxResourcesPerUser: 1 };
      assert.equal(await store.resources.reserve(stream, null, LIMITS, none), 'reserved');
      await counts(store, 'ada', { sessions: 1 });
      assert.equal(await reserving(store, session, 1, { maxResourcesPerUser: 1 }), 'reserved');
    },
  },
  {
    name: 'a session counts for no more than its own limits, so that a full one replaces its files at any quota',
    async run(store) {
      const own = { ...LIMITS, maxResources: 2, maxBytes: 100 };
      const session = await sessionOf(store, 'ada');
      for (let count = 0; count < 2; count += 1) {
        const file = newResource(session.id, { sizeBytes: 50 });
        assert.equal(await store.resources.reserve(file, null, own), 'reserved');
        await store.resources.complete(file.id, null, { sizeBytes: 50, mediaType: null, at: NOW });
        placed(await store.resources.place(placement(session.id, [file], { limits: own })));
      }
      const limits = { ...NO_BUDGETS, maxResourcesPerUser: 2, maxBytesPerUser: 100, maxTotalBytes: 100 };
      const next = newResource(session.id, { sizeBytes: 60 });
      assert.equal(await store.resources.reserve(next, null, own, limits), 'reserved');
      await counts(store, 'ada', { sessions: 1, resources: 2, bytes: 100 });
    },
  },
  {
    name: 'the own limits of a session are those of its latest reservation',
    async run(store) {
      const session = await sessionOf(store, 'ada');
      const reserve = (bytes: number, limits: typeof LIMITS, budgets = NO_BUDGETS) =>
        store.resources.reserve(newResource(session.id, { sizeBytes: bytes }), null, limits, budgets);
      assert.equal(await reserve(60, { ...LIMITS, maxBytes: 60 }), 'reserved');
      assert.equal(await reserve(60, LIMITS), 'reserved');
      await counts(store, 'ada', { sessions: 1, resources: 2, bytes: 120 });
      const quota = { ...NO_BUDGETS, maxBytesPerUser: 120 };
      assert.equal(await reserve(1, LIMITS, quota), refusedBy(store, 'maxBytesPerUser'));
    },
  },
  {
    name: 'the limits of a user hold over the sessions of the user, and name themselves',
    async run(store) {
      const [one, two] = [await sessionOf(store, 'ada'), await sessionOf(store, 'ada')];
      const other = await sessionOf(store, 'grace');
      await ready(store, one.id, 60);
      const bytes = { maxBytesPerUser: 100 };
      assert.equal(await reserving(store, two, 41, bytes), refusedBy(store, 'maxBytesPerUser'));
      assert.equal(await reserving(store, other, 41, bytes), 'reserved');
      const files = { maxResourcesPerUser: store.keepsBudgets ? 1 : 2 };
      assert.equal(await reserving(store, two, 0, files), refusedBy(store, 'maxResourcesPerUser'));
    },
  },
  {
    name: 'what reaches a limit exactly fits, when it is reserved and when it grows; one byte more does not',
    async run(store) {
      const session = await sessionOf(store, 'ada');
      const file = await writing(store, session.id, 60);
      const limits = { ...NO_BUDGETS, maxBytesPerUser: 100 };
      const grow = (bytes: number) => store.resources.grow(file.id, null, bytes, LIMITS, limits);
      if (store.keepsBudgets) assert.equal(await grow(41), 'maxBytesPerUser');
      assert.equal(await grow(40), 'grown');
      await counts(store, 'ada', { sessions: 1, resources: 1, bytes: 100 });
      if (store.keepsBudgets) assert.equal(await grow(1), 'maxBytesPerUser');
    },
  },
  {
    name: 'the bytes of a network count the sessions without a user alone; those of all count everybody',
    async run(store) {
      const [one, two] = [await openedFrom(store, from(NETWORK)), await openedFrom(store, from(NETWORK))];
      const user = await sessionOf(store, 'ada', from(NETWORK));
      const elsewhere = await openedFrom(store, from('192.0.2.8/32'));
      await ready(store, one.id, 60);
      await ready(store, user.id, 60);
      const network = { maxBytesPerNetwork: 100 };
      assert.equal(await reserving(store, two, 41, network), refusedBy(store, 'maxBytesPerNetwork'));
      assert.equal(await reserving(store, user, 41, network), 'reserved');
      assert.equal(await reserving(store, elsewhere, 41, network), 'reserved');
      const held = store.keepsBudgets ? 202 : 243;
      const refused = refusedBy(store, 'maxTotalBytes');
      assert.equal(await reserving(store, elsewhere, 1, { maxTotalBytes: held }), refused);
      assert.equal(await reserving(store, await opened(store), 1, { maxTotalBytes: held }), refused);
    },
  },
  {
    name: 'a login brings what the session holds to its user, above a limit too; then nothing is added there',
    async run(store) {
      const rich = await sessionOf(store, 'ada');
      await ready(store, rich.id, 90);
      const session = await openedFrom(store, from(NETWORK));
      const other = await openedFrom(store, from(NETWORK));
      await ready(store, session.id, 60);
      const network = { maxBytesPerNetwork: 100 };
      assert.equal(await reserving(store, other, 41, network), refusedBy(store, 'maxBytesPerNetwork'));
      await loggedIn(store, session);
      assert.equal(await reserving(store, other, 41, network), 'reserved');
      await counts(store, 'ada', { sessions: 2, resources: 2, bytes: 150 });
      assert.equal(
        await reserving(store, rich, 1, { maxBytesPerUser: 100 }),
        refusedBy(store, 'maxBytesPerUser'),
      );
      await store.endings.beginEnd(rich.id, anEnd());
      assert.equal(await reserving(store, session, 1, { maxBytesPerUser: 100 }), 'reserved');
    },
  },
  {
    name: 'of many files at once, of several sessions, as many are reserved as the user may have',
    async run(store) {
      const sessions: NewSession[] = [];
      for (let index = 0; index < 5; index += 1) sessions.push(await sessionOf(store, 'ada'));
      const answers = await atOnce(50, (index) =>
        reserving(store, present(sessions[index % 5]), 10, { maxBytesPerUser: 125 }),
      );
      const expected = store.keepsBudgets ? { reserved: 12, maxBytesPerUser: 38 } : { reserved: 50 };
      same(tally(answers), expected);
    },
  },
  {
    name: 'a user with the most sessions is `full` for one more, whoever races, until one ends; their own may log in again',
    async run(store) {
      const sessions = await atOnce(10, () => opened(store));
      const login = async ({ id }: NewSession, userId = 'ada') => {
        const token = newToken({ id });
        return { token, answer: await store.sessions.login(id, null, { ...token, userId, maxSessions: 3 }) };
      };
      const answers = (await Promise.all(sessions.map((session) => login(session)))).map(
        ({ answer }) => answer,
      );
      same(tally(answers), store.keepsBudgets ? { done: 3, full: 7 } : { done: 10 });
      await counts(store, 'ada', { sessions: store.keepsBudgets ? 3 : 10 });
      const bound = present(sessions[answers.indexOf('done')]);
      assert.equal((await login(bound)).answer, 'done');
      if (!store.keepsBudgets) return;
      const refused = present(sessions[answers.indexOf('full')]);
      assert.equal((await sessionNow(store, refused)).userId, null);
      assert.equal((await sessionNow(store, refused)).tokenHash, refused.tokenHash);
      assert.equal((await login(refused, 'grace')).answer, 'done');
      await store.endings.beginEnd(bound.id, anEnd());
      const another = present(sessions[answers.lastIndexOf('full')]);
      assert.equal((await login(another)).answer, 'done');
    },
  },
  {
    name: 'a network has as many open sessions without a user as it may; a login or an end makes room, another network has its own',
    async run(store) {
      const limits = from(NETWORK, 3);
      const answers = await atOnce(10, () => store.sessions.open(newSession(), limits));
      const kept = store.keepsBudgets;
      same(tally(answers), kept ? { opened: 3, 'network-full': 7 } : { opened: 10 });
      assert.equal((await store.ledger.totals()).open, kept ? 3 : 10);
      assert.equal(await store.sessions.open(newSession(), from('192.0.2.8/32', 3)), 'opened');
      // Of both limits the network's own is told, so that nobody else has to make room for it.
      const bothFull = { ...limits, maxSessions: kept ? 4 : 11 };
      assert.equal(await store.sessions.open(newSession(), bothFull), kept ? 'network-full' : 'full');
      const [one, two] = await store.sessions.findEvictable(2, NETWORK);
      await loggedIn(store, present(one));
      const open = () => store.sessions.open(newSession(), limits);
      assert.equal(await open(), 'opened');
      await store.endings.beginEnd(present(two).id, anEnd());
      assert.equal(await open(), 'opened');
      if (kept) assert.equal(await open(), 'network-full');
    },
  },
  {
    name: 'a repeated opening answers `opened` also when its network is full',
    async run(store) {
      const session = newSession();
      const limits = from(NETWORK, 1);
      assert.equal(await store.sessions.open(session, limits), 'opened');
      assert.equal(await store.sessions.open(session, limits), 'opened');
    },
  },
  {
    name: 'the evictable sessions of a network are its own, in the order of all',
    async run(store) {
      const at = (createdAt: number, key: string) => {
        const session = newSession({ createdAt });
        return store.sessions.open(session, from(key)).then(() => session);
      };
      const late = await at(NOW + 2, NETWORK);
      await at(NOW, '192.0.2.8/32');
      const early = await at(NOW + 1, NETWORK);
      const seen = await at(NOW, NETWORK);
      const holding = await at(NOW, NETWORK);
      await ready(store, holding.id);
      await store.sessions.touch(
        [seen, holding].map(({ id }) => ({ sessionId: id, at: NOW + 3, requests: 1 })),
      );
      sameIds(await store.sessions.findEvictable(10, NETWORK), [early, late, seen]);
      sameIds(await store.sessions.findEvictable(1, NETWORK), [early]);
      await loggedIn(store, early);
      await store.endings.beginEnd(late.id, anEnd());
      sameIds(await store.sessions.findEvictable(10, NETWORK), [seen]);
      same(await store.sessions.findEvictable(10, '192.0.2.9/32'), []);
    },
  },
  {
    name: 'pages of users, by id, have those with open sessions and what they count for',
    async run(store) {
      for (const userId of ['b', 'é', 'a:1', 'Z', '𝒂', 'ﬁ']) await sessionOf(store, userId);
      const session = await sessionOf(store, 'b');
      await complete(store, session.id, 12);
      await opened(store);
      const first = await store.budgets.listUsers({ limit: 4 });
      same(first, [
        { userId: 'Z', sessions: 1, resources: 0, bytes: 0 },
        { userId: 'a:1', sessions: 1, resources: 0, bytes: 0 },
        { userId: 'b', sessions: 2, resources: 1, bytes: 12 },
        { userId: 'é', sessions: 1, resources: 0, bytes: 0 },
      ]);
      const rest = await store.budgets.listUsers({ limit: 4, after: 'é' });
      same(
        rest.map(({ userId }) => userId),
        ['ﬁ', '𝒂'],
      );
    },
  },
];
