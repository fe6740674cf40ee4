/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { authorityOf, MOST_REPLACED } from '../../../domain/session.js';
import {
  complete,
  LIMITS,
  newToken,
  newResource,
  NOW,
  opened,
  placement,
  PROCESS,
  ready,
  same,
  sessionNow,
  tokenHash,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const authorityCases: readonly SessionStoreCase[] = [
  {
    name: 'a call with the authority of another token is stale, and changes nothing',
    async run(store) {
      const session = await opened(store);
      const [own, other] = [authorityOf(session.tokenHash), authorityOf(tokenHash(session.id))];
      const { resources } = store;
      const written = await writing(store, session.id, 10);
      const file = await complete(store, session.id, 10);
      const completed = { sizeBytes: 10, mediaType: null, at: NOW };
      const calls = (authority: string): (() => Promise<unknown>)[] => [
        () => resources.findOf(session.id, authority, file.id),
        () => resources.use(file.id, authority, PROCESS, NOW),
        () => resources.place(placement(session.id, [file], { authority })),
        () => resources.grow(written.id, authority, 1, LIMITS),
        () => resources.complete(written.id, authority, completed),
        () => resources.reserve(newResource(session.id), authority, LIMITS),
      ];
      const before = [await sessionNow(store, session), await resources.list([session.id])];
      for (const call of calls(other)) assert.equal(await call(), 'stale');
      same([await sessionNow(store, session), await resources.list([session.id])], before);
      for (const call of calls(own)) assert.notEqual(await call(), 'stale');
    },
  },
  {
    name: 'a resource is found in its own session only',
    async run(store) {
      const [session, other] = [await opened(store), await opened(store)];
      const file = await ready(store, session.id);
      same(await store.resources.findOf(session.id, authorityOf(session.tokenHash), file.id), file);
      same(await store.resources.findOf(session.id, null, file.id), file);
      assert.equal(await store.resources.findOf(other.id, authorityOf(other.tokenHash), file.id), null);
      assert.equal(await store.resources.findOf(session.id, null, randomUUID()), null);
    },
  },
  {
    name: `a regenerate that keeps the authority lets what has it act, but not replace the token again`,
    async run(store) {
      const session = await opened(store);
      const first = authorityOf(session.tokenHash);
      const second = newToken(session);
      const third = newToken(session);
      const keeps = { keepsAuthority: true };
      const start = (await store.feed.read(null, 10)).position;
      assert.equal(await store.sessions.regenerate(session.id, first, { ...second, ...keeps }), 'done');
      assert.equal(await store.sessions.regenerate(session.id, first, { ...third, ...keeps }), 'stale');
      assert.equal(await store.sessions.regenerate(session.id, null, { ...third, ...keeps }), 'done');
      const kept = [first, authorityOf(second.tokenHash)];
      same((await sessionNow(store, session)).keptAuthorities, kept);
      const { changes } = await store.feed.read(start, 10);
      same(
        changes.map(({ authority, keptAuthorities }) => [authority, keptAuthorities]),
        [[authorityOf(third.tokenHash), kept]],
      );
      for (const authority of kept) {
        const resource = newResource(session.id);
        assert.equal(await store.resources.reserve(resource, authority, LIMITS), 'reserved');
        assert.equal(await store.resources.grow(resource.id, authority, 1, LIMITS), 'grown');
      }
      const login = { ...newToken(session), userId: 'ada' };
      assert.equal(await store.sessions.login(session.id, first, login), 'stale');
      assert.equal(await store.sessions.login(session.id, authorityOf(third.tokenHash), login), 'done');
      same((await sessionNow(store, session)).keptAuthorities, []);
      for (const authority of kept) {
        assert.equal(await store.resources.reserve(newResource(session.id), authority, LIMITS), 'stale');
      }
    },
  },
  {
    name: `of the authorities that regenerates keep the latest ${MOST_REPLACED} stay`,
    async run(store) {
      const session = await opened(store);
      const tokens = Array.from({ length: MOST_REPLACED + 2 }, () => newToken(session));
      for (const token of tokens) {
        await store.sessions.regenerate(session.id, null, { ...token, keepsAuthority: true });
      }
      const replaced = tokens.slice(0, -1).map(({ tokenHash: hash }) => authorityOf(hash));
      same((await sessionNow(store, session)).keptAuthorities, replaced.slice(-MOST_REPLACED));
    },
  },
];
