/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { authorityOf, type Authority, type NewSession } from '../../../domain/session.js';
import type { DataChange, DataLimits, DataWrite, SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  ended,
  MINUTE,
  newToken,
  NOW,
  opened,
  same,
  sessionNow,
  tally,
  type SessionStoreCase,
} from '../store.fixtures.js';

const ROOMY: DataLimits = { maxBytes: 65_536, maxKeys: 256 };

/** More writes than a store may keep in one record. */
const MANY_WRITES = 300;

function aWrite(changes: readonly DataChange[], limits = ROOMY): DataWrite {
  return { operation: randomBytes(12).toString('base64url'), at: NOW, changes, limits };
}

async function written(store: SessionStore, { id }: { readonly id: string }, ...changes: DataChange[]) {
  assert.equal(await store.data.write(id, null, aWrite(changes)), 'done');
}

/** The data of a session, as an object with the texts. */
async function dataOf(
  store: SessionStore,
  session: { readonly id: string },
): Promise<Record<string, string>> {
  const read = await store.data.read(session.id, null);
  assert.ok(read !== null && read !== 'stale', 'expected data');
  return Object.fromEntries(read.values.map(({ key, json }) => [key, json]));
}

/** Texts that a store which understands JSON changes. */
const TEXTS = {
  list: '[]',
  object: '{}',
  nested: '{"a":[],"b":{},"c":[{}]}',
  large: '12345678901234567890',
  small: '1e-7',
  exact: '1.10',
  blanks: ' { "b" : 1, "a" : 2, "b" : 3 } ',
  text: '"ñ \u{1f642} \\u0000 \\ud83d"',
  zero: '0',
  nothing: 'null',
};

export const dataCases: readonly SessionStoreCase[] = [
  {
    name: 'data is kept as it was written, text by text, and a new session has none',
    async run(store) {
      const [session, other] = [await opened(store), await opened(store)];
      same(await dataOf(store, session), {});
      const changes = Object.entries(TEXTS).map(([key, json]) => ({ key, json }));
      await written(store, session, ...changes, { key: 'clé \u{1f511}', json: '1' });
      await written(store, session, { key: 'list', json: '[1]' }, { key: 'zero', json: null });
      const { zero: _removed, ...left } = TEXTS;
      same(await dataOf(store, session), { ...left, list: '[1]', 'clé \u{1f511}': '1' });
      same(await dataOf(store, other), {});
    },
  },
  {
    name: 'a session counts the UTF-8 bytes of its keys and values, and is read with its data',
    async run(store) {
      const session = await opened(store);
      await written(store, session, { key: 'é', json: '"ñ"' }, { key: 'b', json: '12' });
      assert.equal((await sessionNow(store, session)).dataBytes, 2 + 4 + 1 + 2);
      await written(store, session, { key: 'b', json: '1' }, { key: 'c', json: null });
      const read = await store.data.read(session.id, null);
      same(read !== 'stale' && read?.session, await sessionNow(store, session));
      assert.equal((await sessionNow(store, session)).dataBytes, 8);
      await written(store, session, { key: 'é', json: null }, { key: 'b', json: null });
      assert.equal((await sessionNow(store, session)).dataBytes, 0);
      same(await dataOf(store, session), {});
    },
  },
  {
    name: 'concurrent writes to different keys all stay',
    async run(store) {
      const session = await opened(store);
      await atOnce(10, (index) => written(store, session, { key: `key ${index}`, json: String(index) }));
      same(
        await dataOf(store, session),
        Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`key ${index}`, String(index)])),
      );
    },
  },
  {
    name: 'a write with an expected value is made only if the key has it: of several at once one',
    async run(store) {
      const session = await opened(store);
      const changing = (json: string, expected: string | null) =>
        store.data.write(session.id, null, aWrite([{ key: 'n', json, expected }]));
      same(tally(await atOnce(20, (index) => changing(String(index), null))), { done: 1, changed: 19 });
      const { n = '' } = await dataOf(store, session);
      same(tally(await atOnce(20, (index) => changing(`"${index}"`, n))), { done: 1, changed: 19 });
      assert.equal(await changing('1', null), 'changed');
      const before = await dataOf(store, session);
      const both = [
        { key: 'm', json: '1' },
        { key: 'n', json: '2', expected: '[]' },
      ];
      assert.equal(await store.data.write(session.id, null, aWrite(both)), 'changed');
      same(await dataOf(store, session), before);
      const removal = aWrite([{ key: 'n', json: null, expected: before['n'] ?? '' }]);
      assert.equal(await store.data.write(session.id, null, removal), 'done');
      same(await dataOf(store, session), {});
    },
  },
  {
    name: 'a repeat of a write answers done and changes nothing, whatever was written meanwhile',
    async run(store) {
      const session = await opened(store);
      const first = aWrite([{ key: 'n', json: '1', expected: null }]);
      assert.equal(await store.data.write(session.id, null, first), 'done');
      for (let count = 1; count < MANY_WRITES; count += 1) {
        await written(store, session, { key: 'n', json: String(count + 1), expected: String(count) });
      }
      await store.sessions.regenerate(session.id, null, newToken(session));
      const before = await sessionNow(store, session);
      for (const by of [null, authorityOf(session.tokenHash)]) {
        assert.equal(await store.data.write(session.id, by, first), 'done');
      }
      same(await dataOf(store, session), { n: String(MANY_WRITES) });
      same(await sessionNow(store, session), before);
      // A write that was refused is not remembered: its repeat is a first try.
      const refused = aWrite([{ key: 'm', json: '1', expected: '0' }]);
      assert.equal(await store.data.write(session.id, null, refused), 'changed');
      await written(store, session, { key: 'm', json: '0' });
      assert.equal(await store.data.write(session.id, null, refused), 'done');
    },
  },
  {
    name: 'a repeat is recognized when all values are gone',
    async run(store) {
      const session = await opened(store);
      const first = aWrite([{ key: 'n', json: '1' }]);
      await store.data.write(session.id, null, first);
      await written(store, session, { key: 'n', json: null });
      same(await dataOf(store, session), {});
      assert.equal(await store.data.write(session.id, null, first), 'done');
      same(await dataOf(store, session), {});
    },
  },
  {
    name: 'data that grows past its limits is refused, and what is above them may shrink',
    async run(store) {
      const session = await opened(store);
      const write = (limits: DataLimits, ...changes: DataChange[]) =>
        store.data.write(session.id, null, aWrite(changes, limits));
      const limits = { maxBytes: 10, maxKeys: 2 };
      assert.equal(await write(limits, { key: 'a', json: '"123456"' }), 'done');
      assert.equal(await write(limits, { key: 'b', json: '1' }), 'too_large');
      assert.equal(await write(limits, { key: 'a', json: '"1234567é"' }), 'too_large');
      assert.equal(await write(limits, { key: 'a', json: '"1234567"' }), 'done');
      assert.equal(await write(limits, { key: 'a', json: '1' }, { key: 'b', json: '1' }), 'done');
      assert.equal(await write(limits, { key: 'c', json: '1' }), 'too_many');
      assert.equal(await write(limits, { key: 'c', json: '1' }, { key: 'b', json: null }), 'done');
      const less = { maxBytes: 1, maxKeys: 1 };
      assert.equal(await write(less, { key: 'a', json: '2' }), 'done');
      assert.equal(await write(less, { key: 'c', json: '11' }), 'too_large');
      assert.equal(await write(less, { key: 'c', json: null }), 'done');
      same(await dataOf(store, session), { a: '2' });
    },
  },
  {
    name: 'data is read and written with an authority that may act alone',
    async run(store) {
      const session = await opened(store);
      const first = authorityOf(session.tokenHash);
      const change = { key: 'n', json: '1' };
      assert.equal(await store.data.write(session.id, first, aWrite([change])), 'done');
      await store.sessions.regenerate(session.id, first, { ...newToken(session), keepsAuthority: true });
      assert.equal(await store.data.write(session.id, first, aWrite([change])), 'done');
      const token = newToken(session);
      await store.sessions.regenerate(session.id, null, token);
      const before = await sessionNow(store, session);
      assert.equal(await store.data.write(session.id, first, aWrite([{ ...change, json: '22' }])), 'stale');
      assert.equal(await store.data.read(session.id, first), 'stale');
      same(await sessionNow(store, session), before);
      same(await dataOf(store, session), { n: '1' });
      const current = authorityOf(token.tokenHash);
      assert.notEqual(await store.data.read(session.id, current), 'stale');
      assert.equal(await store.data.write(session.id, current, aWrite([{ ...change, json: '2' }])), 'done');
    },
  },
  {
    name: 'a login keeps data, or deletes it in the same step: a repeat deletes nothing more',
    async run(store) {
      const session = await opened(store);
      const planted = aWrite([{ key: 'n', json: '1' }]);
      await store.data.write(session.id, null, planted);
      const login = (by: Authority | null, dropsData: boolean) => {
        const token = { ...newToken(session), userId: 'ada', dropsData };
        return { token, login: () => store.sessions.login(session.id, by, token) };
      };
      const keeping = login(null, false);
      assert.equal(await keeping.login(), 'done');
      same(await dataOf(store, session), { n: '1' });
      assert.equal(await login(authorityOf(session.tokenHash), true).login(), 'stale');
      same(await dataOf(store, session), { n: '1' });
      const dropping = login(null, true);
      assert.equal(await dropping.login(), 'done');
      same(await dataOf(store, session), {});
      assert.equal((await sessionNow(store, session)).dataBytes, 0);
      assert.equal(await store.data.write(session.id, null, planted), 'done');
      same(await dataOf(store, session), {});
      await written(store, session, { key: 'm', json: '2' });
      assert.equal(await dropping.login(), 'done');
      same(await dataOf(store, session), { m: '2' });
    },
  },
  {
    name: 'an end deletes data: it is gone for reads and writes, repeats and the tombstone',
    async run(store) {
      const session = await opened(store);
      const write = aWrite([{ key: 'n', json: '1' }]);
      await store.data.write(session.id, null, write);
      const ending = await store.endings.beginEnd(session.id, anEnd());
      assert.equal(ending?.dataBytes, 0);
      const isGone = async ({ id }: { readonly id: string }): Promise<void> => {
        assert.equal(await store.data.read(id, null), null);
        assert.equal(await store.data.write(id, null, write), 'gone');
      };
      await isGone(session);
      const tombstone = await opened(store);
      await written(store, tombstone, { key: 'n', json: '1' });
      await ended(store, tombstone);
      await isGone(tombstone);
      assert.equal((await sessionNow(store, tombstone)).dataBytes, 0);
      await isGone({ id: randomUUID() });
      await isGone({ id: 'no id' });
    },
  },
  {
    name: 'a session with data is not provisional, and is evicted after those without',
    async run(store) {
      const minute = async (differing: Partial<NewSession> = {}) => opened(store, differing);
      const [empty, withData, emptied] = [await minute(), await minute(), await minute()];
      const confirmed = await minute();
      await store.sessions.touch([{ sessionId: confirmed.id, at: NOW, requests: 1 }]);
      for (const session of [withData, emptied, confirmed]) {
        await written(store, session, { key: 'n', json: '1' });
      }
      const ids = async () => (await store.sessions.findEvictable(10)).map(({ id }) => id);
      const idle = async () => (await store.endings.findIdle(NOW + MINUTE, 10)).map(({ id }) => id);
      same(await ids(), [empty.id, ...[withData.id, emptied.id].toSorted()]);
      same(await idle(), [empty.id]);
      await written(store, emptied, { key: 'n', json: null });
      same(await idle(), [empty.id, emptied.id].toSorted());
      same(await ids(), [...[empty.id, emptied.id].toSorted(), withData.id]);
      await store.sessions.login(confirmed.id, null, { ...newToken(confirmed), userId: 'ada' });
      same(await ids(), [...[empty.id, emptied.id].toSorted(), withData.id]);
    },
  },
];
