/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { authorityOf, MOST_REPLACED, REPLACED_MS, type Authority } from '../../../domain/session.js';
import type { NewToken, SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  authorityNow,
  DAY,
  ended,
  HOUR,
  loggedIn,
  newToken,
  MINUTE,
  NOW,
  opened,
  ready,
  rejects,
  same,
  SECOND,
  sessionNow,
  tally,
  type SessionStoreCase,
} from '../store.fixtures.js';

type Token = Omit<NewToken, 'note'>;
type Answer = 'done' | 'taken' | 'full' | 'gone' | 'stale';

/** Both steps that replace a token; a login is ada's. */
const STEPS: Readonly<
  Record<string, (store: SessionStore, id: string, by: Authority | null, token: Token) => Promise<Answer>>
> = {
  login: (store, id, by, token) => store.sessions.login(id, by, { ...token, userId: 'ada' }),
  regenerate: (store, id, by, token) => store.sessions.regenerate(id, by, token),
};

const idsOf = (records: readonly { readonly id: string }[]): string[] => records.map(({ id }) => id);

const FIRST_TEN = { sort: 'created_at', limit: 10 } as const;

export const loginCases: readonly SessionStoreCase[] = [
  ...Object.entries(STEPS).flatMap(([step, run]): SessionStoreCase[] => [
    {
      name: `after a ${step} the new token is current, and the old one is found with the instant of its replacement`,
      async run(store) {
        const session = await opened(store);
        const token = newToken(session, NOW + 7);
        assert.equal(await run(store, session.id, authorityOf(session.tokenHash), token), 'done');
        const record = await sessionNow(store, session);
        same(
          [record.tokenHash, record.expiresAt, record.userId],
          [token.tokenHash, NOW + HOUR, step === 'login' ? 'ada' : null],
        );
        same(await store.sessions.findByToken(token.tokenHash), {
          session: record,
          current: true,
          replacedAt: null,
        });
        same(await store.sessions.findByToken(session.tokenHash), {
          session: record,
          current: false,
          replacedAt: NOW + 7,
        });
      },
    },
    {
      name: `of concurrent calls of ${step} with one authority one is done and the others are stale`,
      async run(store) {
        const session = await opened(store);
        const tokens = Array.from({ length: 20 }, () => newToken(session));
        const answers = await Promise.all(
          tokens.map((token) => run(store, session.id, authorityOf(session.tokenHash), token)),
        );
        same(tally(answers), { done: 1, stale: 19 });
        const won = tokens[answers.indexOf('done')];
        assert.equal((await sessionNow(store, session)).tokenHash, won?.tokenHash);
      },
    },
    {
      name: `a ${step} with the authority of a replaced token is stale, and changes nothing`,
      async run(store) {
        const session = await opened(store);
        await loggedIn(store, session);
        const before = [await sessionNow(store, session), await store.ledger.identity()];
        const answer = await run(store, session.id, authorityOf(session.tokenHash), newToken(session));
        assert.equal(answer, 'stale');
        same([await sessionNow(store, session), await store.ledger.identity()], before);
      },
    },
    {
      name: `a repeat of a ${step} answers done and changes nothing, until another token replaced its own`,
      async run(store) {
        const session = await opened(store);
        const authority = authorityOf(session.tokenHash);
        const token = newToken(session);
        await run(store, session.id, authority, token);
        const before = [await sessionNow(store, session), await store.ledger.identity()];
        for (const by of [authority, null, authorityOf(token.tokenHash)]) {
          assert.equal(await run(store, session.id, by, token), 'done');
        }
        same([await sessionNow(store, session), await store.ledger.identity()], before);
        await store.sessions.regenerate(session.id, null, newToken(session));
        for (const by of [authority, null]) assert.equal(await run(store, session.id, by, token), 'stale');
      },
    },
    {
      name: `a ${step} of an ended session answers gone, and so does its repeat`,
      async run(store) {
        const session = await opened(store);
        const token = newToken(session);
        await run(store, session.id, null, token);
        await store.endings.beginEnd(session.id, anEnd());
        assert.equal(await run(store, session.id, null, token), 'gone');
        assert.equal(await run(store, session.id, null, newToken(session)), 'gone');
      },
    },
    {
      name: `a ${step} with the current or replaced token of another session is refused and changes nothing`,
      async run(store) {
        const [session, other] = [await opened(store), await opened(store)];
        await loggedIn(store, other);
        const before = [await sessionNow(store, session), await store.ledger.identity()];
        // A store may refuse them for their bucket alone.
        for (const hash of [other.tokenHash, (await sessionNow(store, other)).tokenHash]) {
          await rejects(run(store, session.id, null, { tokenHash: hash, at: NOW }), 'INVALID_ARGUMENT');
        }
        same([await sessionNow(store, session), await store.ledger.identity()], before);
      },
    },
  ]),
  {
    name: 'a login to a session of another user is taken and changes nothing; the same user gets a new token',
    async run(store) {
      const session = await opened(store);
      await loggedIn(store, session);
      const authority = await authorityNow(store, session);
      const before = [await sessionNow(store, session), await store.ledger.identity()];
      const login = { ...newToken(session), userId: 'eve' };
      assert.equal(await store.sessions.login(session.id, authority, login), 'taken');
      assert.equal(await store.sessions.login(session.id, null, login), 'taken');
      same([await sessionNow(store, session), await store.ledger.identity()], before);
      assert.equal(await store.sessions.login(session.id, authority, { ...login, userId: 'ada' }), 'done');
      same((await sessionNow(store, session)).tokenHash, login.tokenHash);
    },
  },
  {
    name: 'a login with a replaced token is stale, whoever the session is bound to',
    async run(store) {
      const session = await opened(store);
      await loggedIn(store, session);
      const login = { ...newToken(session), userId: 'eve' };
      assert.equal(await store.sessions.login(session.id, authorityOf(session.tokenHash), login), 'stale');
    },
  },
  {
    name: 'of concurrent logins of several users one is done, and its token is the one of its user',
    async run(store) {
      const session = await opened(store);
      const logins = Array.from({ length: 20 }, (_, index) => ({
        ...newToken(session),
        userId: `user ${index}`,
      }));
      const answers = await Promise.all(
        logins.map((login) => store.sessions.login(session.id, authorityOf(session.tokenHash), login)),
      );
      same(tally(answers), { done: 1, stale: 19 });
      const { tokenHash: hash, userId } = await sessionNow(store, session);
      const won = logins[answers.indexOf('done')];
      same([hash, userId], [won?.tokenHash, won?.userId]);
    },
  },
  {
    name: 'of a login and a regenerate at once one is done',
    async run(store) {
      for (let round = 0; round < 10; round += 1) {
        const session = await opened(store);
        const authority = authorityOf(session.tokenHash);
        const answers = await atOnce(2, (index) =>
          index === round % 2
            ? store.sessions.login(session.id, authority, { ...newToken(session), userId: 'ada' })
            : store.sessions.regenerate(session.id, authority, newToken(session)),
        );
        same(tally(answers), { done: 1, stale: 1 });
      }
    },
  },
  {
    name: 'tokens that were replaced in quick succession are all found, the latest ones of each session',
    async run(store) {
      const session = await opened(store);
      const hashes = [session.tokenHash];
      for (let count = 0; count < MOST_REPLACED; count += 1) hashes.push(await loggedIn(store, session));
      const found = await Promise.all(hashes.map((hash) => store.sessions.findByToken(hash)));
      same(
        found.map((match) => [match?.session.id, match?.current]),
        hashes.map((hash) => [session.id, hash === hashes.at(-1)]),
      );
      await loggedIn(store, session);
      assert.equal(await store.sessions.findByToken(session.tokenHash), null);
      assert.equal((await store.sessions.findByToken(hashes[1] ?? ''))?.current, false);
    },
  },
  {
    name: 'a replaced token is forgotten by a later login or regenerate of the session, but not too early',
    async run(store) {
      const session = await opened(store);
      await store.sessions.regenerate(session.id, null, newToken(session, NOW));
      await store.sessions.regenerate(session.id, null, newToken(session, NOW + REPLACED_MS - 1));
      assert.equal((await store.sessions.findByToken(session.tokenHash))?.replacedAt, NOW);
      await store.sessions.regenerate(session.id, null, newToken(session, NOW + REPLACED_MS));
      assert.equal(await store.sessions.findByToken(session.tokenHash), null);
    },
  },
  {
    name: 'a replaced token of an ended session is found as replaced',
    async run(store) {
      const session = await opened(store);
      await loggedIn(store, session);
      await ended(store, session);
      const match = await store.sessions.findByToken(session.tokenHash);
      same([match?.session.state, match?.current, match?.replacedAt], ['ended', false, NOW]);
    },
  },
  {
    name: 'a login gives the session ends of its own, and says whether it is remembered; neither a regenerate nor a touch changes that',
    async run(store) {
      const session = await opened(store);
      const file = await ready(store, session.id);
      const at = NOW + MINUTE;
      const ends = { expiresAt: at + DAY, idleMs: 2 * HOUR, remembered: true };
      const login = { ...newToken(session, at), userId: 'ada', ...ends };
      assert.equal(await store.sessions.login(session.id, null, login), 'done');
      assert.equal(await store.sessions.login(session.id, null, login), 'done');
      await store.sessions.regenerate(session.id, null, newToken(session, at));
      await store.sessions.touch([{ sessionId: session.id, at, requests: 1 }]);
      const { expiresAt, idleMs, remembered } = await sessionNow(store, session);
      same({ expiresAt, idleMs, remembered }, ends);
      same(await store.endings.findExpired(at + DAY - 1, 10), []);
      same(await store.endings.findIdle(at + 2 * HOUR - 1, 10), []);
      same(idsOf(await store.endings.findIdle(at + 2 * HOUR, 10)), [session.id]);
      await store.sessions.touch([{ sessionId: session.id, at: at + DAY + 1, requests: 1 }]);
      assert.equal((await sessionNow(store, session)).lastActivityAt, at + DAY);
      same(idsOf(await store.endings.findExpired(at + DAY, 10)), [session.id]);
      same((await store.resources.find(file.id))?.state, 'ready');
      const { sessions } = await store.sessions.list({ ...FIRST_TEN, filter: { userId: 'ada' } });
      same(idsOf(sessions), [session.id]);
    },
  },
  {
    name: 'a login without ends leaves those of the session, and it is remembered no more',
    async run(store) {
      const session = await opened(store);
      const ends = { expiresAt: NOW + DAY, idleMs: MINUTE, remembered: true };
      await store.sessions.login(session.id, null, { ...newToken(session), userId: 'ada', ...ends });
      await store.sessions.login(session.id, null, { ...newToken(session), userId: 'ada' });
      const { expiresAt, idleMs, remembered } = await sessionNow(store, session);
      same({ expiresAt, idleMs, remembered }, { ...ends, remembered: false });
    },
  },
  {
    name: 'a login may bring the ends nearer; one that is refused changes none',
    async run(store) {
      const session = await opened(store);
      const login = { ...newToken(session), userId: 'ada', expiresAt: NOW + MINUTE, idleMs: SECOND };
      assert.equal(await store.sessions.login(session.id, null, login), 'done');
      const later = { ...newToken(session), expiresAt: NOW + DAY, idleMs: DAY, remembered: true };
      assert.equal(await store.sessions.login(session.id, null, { ...later, userId: 'eve' }), 'taken');
      const stale = authorityOf(session.tokenHash);
      assert.equal(await store.sessions.login(session.id, stale, { ...later, userId: 'ada' }), 'stale');
      const { expiresAt, idleMs, remembered } = await sessionNow(store, session);
      same({ expiresAt, idleMs, remembered }, { expiresAt: NOW + MINUTE, idleMs: SECOND, remembered: false });
      same(idsOf(await store.endings.findExpired(NOW + MINUTE, 10)), [session.id]);
      const ended = await store.endings.beginEnd(session.id, anEnd({ at: NOW + MINUTE }));
      assert.notEqual(ended, null);
    },
  },
];
