/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { authorityOf, MOST_REPLACED } from '../../domain/session.js';
import type { NewToken } from '../../ports/session-store.js';
import type { SessionStoreCase } from './store.case.js';
import { LIMITS, newResource, NOW, opened, same, sessionNow, tokenHash } from './store.fixtures.js';

function newToken(session: { readonly id: string }): NewToken {
  return { tokenHash: tokenHash(session.id), at: NOW };
}

export const keepingCases: readonly SessionStoreCase[] = [
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
