/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { evictionOrder } from '../../../domain/eviction.js';
import type { Actor } from '../../../domain/journal/actor.js';
import { MOST_DEEDS, MOST_MARKS } from '../../../domain/journal/entry.js';
import { authorityOf } from '../../../domain/session.js';
import type { Placement, SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  complete,
  LIMITS,
  MANY,
  MINUTE,
  newSession,
  newToken,
  NOW,
  opened,
  placed,
  placement,
  ready,
  rejects,
  same,
  SECOND,
  tokenHash,
  upTo,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';
import {
  ADMIN,
  ANY_TEXTS,
  APP,
  append,
  CLI,
  CLIENT,
  HASH,
  JOB,
  LIMIT,
  mismatch,
  noted,
  OTHER_HASH,
  timelineOf,
} from './journal.fixtures.js';

/** One file of 30 bytes fits. */
const SMALL = { ...LIMITS, maxResources: 1, maxBytes: 60 };
const NOTE = { by: CLIENT };

export const deedCases: readonly SessionStoreCase[] = [
  {
    name: 'an opening, a login, a new token and an end with a note are entered once, in the same step, also if repeated',
    async run(store) {
      const session = newSession();
      const { id, createdAt } = session;
      const login = { ...newToken(session, NOW + 1), userId: 'ada', note: { by: APP, userHash: HASH } };
      const token = { ...newToken(session, NOW + 2), note: { by: CLIENT } };
      const end = anEnd({ note: { by: JOB }, at: NOW + 3 });
      for (const _ of [1, 2]) {
        assert.equal(await store.sessions.open(session, MANY, { by: LIMIT }), 'opened');
        same(await timelineOf(store, session), [{ kind: 'opened', at: createdAt, by: LIMIT }]);
      }
      const entry = { kind: 'login', at: NOW + 1, by: APP, userHash: HASH };
      for (const _ of [1, 2]) {
        assert.equal(await store.sessions.login(id, null, login), 'done');
        same((await timelineOf(store, session)).slice(1), [entry]);
      }
      for (const _ of [1, 2]) {
        assert.equal(await store.sessions.regenerate(id, null, token), 'done');
        same((await timelineOf(store, session)).slice(2), [{ kind: 'regenerated', at: NOW + 2, by: CLIENT }]);
      }
      const held = { durationMs: 3, requests: 1, resources: 0, bytes: 0 };
      for (const wins of [true, false]) {
        assert.equal((await store.endings.beginEnd(id, end)) !== null, wins);
        const ended = { kind: 'ended', at: NOW + 3, by: JOB, reason: 'ended', ...held };
        same((await timelineOf(store, session)).slice(3), [ended]);
      }
    },
  },
  {
    name: 'an end counts the requests that its caller had not flushed, in its entry alone',
    async run(store) {
      const session = await noted(store);
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 1, requests: 2 }]);
      await store.endings.beginEnd(session.id, anEnd({ note: { by: CLIENT }, requests: 4 }));
      const [, ended] = await timelineOf(store, session);
      assert.equal(ended?.kind === 'ended' && ended.requests, 7);
      assert.equal((await store.sessions.find(session.id))?.requestCount, 3);
    },
  },
  {
    name: 'an eviction with a note enters one entry a victim, in the order of the candidates, also if repeated',
    async run(store) {
      const session = await noted(store);
      const oldest = await ready(store, session.id, 30);
      const older = await ready(store, session.id, 20, { createdAt: NOW + 1, type: 'temp_file' });
      const file = await complete(store, session.id, 30);
      const candidates = evictionOrder(await store.resources.list([session.id]));
      const place = { candidates, limits: SMALL, note: { by: LIMIT }, at: NOW + 2 };
      for (const _ of [1, 2]) {
        placed(await store.resources.place(placement(session.id, [file], place)));
        const by = { kind: 'evicted', at: NOW + 2, by: LIMIT };
        same((await timelineOf(store, session)).slice(1), [
          { ...by, resourceId: oldest.id, type: 'audio_file', sizeBytes: 30 },
          { ...by, resourceId: older.id, type: 'temp_file', sizeBytes: 20 },
        ]);
      }
    },
  },
  {
    name: 'a placement that evicts nothing enters nothing',
    async run(store) {
      const session = await noted(store);
      const file = await complete(store, session.id, 30);
      const overdrawn = await complete(store, session.id, 50);
      placed(await place(store, session.id, [file]));
      placed(await place(store, session.id, [overdrawn], { overdraw: true }));
      assert.equal((await timelineOf(store, session)).length, 1);
    },
  },
  {
    name: 'deeds without a note enter nothing',
    async run(store) {
      const session = await opened(store);
      await ready(store, session.id, 30);
      const file = await complete(store, session.id, 30);
      const candidates = evictionOrder(await store.resources.list([session.id]));
      const { victims } = placed(await place(store, session.id, [file], { candidates, note: null }));
      assert.equal(victims.length, 1);
      await store.sessions.login(session.id, null, { ...newToken(session), userId: 'ada', note: null });
      await store.sessions.regenerate(session.id, null, newToken(session));
      await store.endings.beginEnd(session.id, anEnd({ reason: 'admin', note: null }));
      same(await timelineOf(store, session), []);
      same((await store.audit.read({ from: 0, to: NOW + MINUTE, limit: 10 })).entries, []);
      assert.equal(await store.journal.forgetUser(HASH, 10), 0);
    },
  },
  {
    name: 'an opening that is refused enters nothing',
    async run(store) {
      const session = await noted(store);
      const refused = newSession();
      const network = { key: '192.0.2.7/32', openRate: 1, maxUnconfirmed: 0 };
      assert.equal(await store.sessions.open(refused, upTo(1), NOTE), 'full');
      await store.sessions.open(newSession(), { ...MANY, network }, NOTE);
      assert.equal(typeof (await store.sessions.open(refused, { ...MANY, network }, NOTE)), 'object');
      const other = { ...session, tokenHash: tokenHash(session.id) };
      await rejects(store.sessions.open(other, MANY, NOTE), 'INVALID_ARGUMENT');
      same(await timelineOf(store, refused), []);
      assert.equal((await timelineOf(store, session)).length, 1);
      await store.sessions.probe();
      assert.equal(await store.journal.prune(0, 10), 2);
    },
  },
  {
    name: 'a login or new token that is refused enters nothing, and keeps no hash',
    async run(store) {
      const session = await noted(store);
      const note = { by: CLIENT, userHash: OTHER_HASH };
      const login = { ...newToken(session), userId: 'eve', note };
      const stale = authorityOf(tokenHash(session.id));
      assert.equal(await store.sessions.login(session.id, stale, login), 'stale');
      assert.equal(
        await store.sessions.regenerate(session.id, stale, { ...newToken(session), note }),
        'stale',
      );
      const ada = { ...newToken(session), userId: 'ada', note: { by: CLIENT, userHash: HASH } };
      assert.equal(await store.sessions.login(session.id, null, ada), 'done');
      assert.equal(await store.sessions.login(session.id, null, login), 'taken');
      // A repeat that comes late: the token is no longer the current one.
      assert.equal(await store.sessions.regenerate(session.id, null, newToken(session)), 'done');
      assert.equal(await store.sessions.login(session.id, null, ada), 'stale');
      await store.endings.beginEnd(session.id, anEnd());
      assert.equal(await store.sessions.login(session.id, null, login), 'gone');
      assert.equal(await store.sessions.regenerate(session.id, null, { ...newToken(session), note }), 'gone');
      same(
        (await timelineOf(store, session)).map(({ kind }) => kind),
        ['opened', 'login'],
      );
      assert.equal(await store.journal.forgetUser(OTHER_HASH, 10), 0);
      assert.equal(await store.journal.forgetUser(HASH, 10), 1);
    },
  },
  {
    name: 'a placement or end that is refused enters nothing',
    async run(store) {
      const session = await noted(store);
      const held = await ready(store, session.id, 30);
      const file = await complete(store, session.id, 30);
      const stale = authorityOf(tokenHash(session.id));
      const candidates = evictionOrder([held]);
      assert.equal(await place(store, session.id, [file]), 'full');
      assert.equal(await place(store, session.id, [file], { candidates, authority: stale }), 'stale');
      assert.equal(await place(store, session.id, [file, await writing(store, session.id)]), 'gone');
      const end = anEnd({ note: { by: ADMIN } });
      assert.equal(await store.endings.beginEnd(session.id, end, { userId: 'ada' }), null);
      assert.equal(await store.endings.beginEnd(newSession().id, end), null);
      assert.equal((await timelineOf(store, session)).length, 1);
      same((await store.audit.read({ from: 0, to: NOW + MINUTE, limit: 10 })).entries, []);
      await store.endings.beginEnd(session.id, anEnd());
      assert.equal(await place(store, session.id, [file], { candidates }), 'gone');
      assert.equal((await timelineOf(store, session)).length, 1);
    },
  },
  {
    name: 'of twenty concurrent ends with notes one is entered: that of the winner',
    async run(store) {
      const session = await noted(store);
      const records = await atOnce(20, (pid) =>
        store.endings.beginEnd(session.id, anEnd({ note: { by: { ...JOB, pid } as Actor } })),
      );
      const winner = records.findIndex((record) => record !== null);
      const [, ended, ...others] = await timelineOf(store, session);
      same([ended?.kind, ended && 'by' in ended && ended.by, others], ['ended', { ...JOB, pid: winner }, []]);
    },
  },
  {
    name: 'the entry of an end tells reason, duration, requests, and what was in place',
    async run(store) {
      const session = await noted(store);
      await ready(store, session.id, 30);
      await ready(store, session.id, 12);
      await complete(store, session.id, 100);
      await writing(store, session.id, 1000);
      await writing(store, session.id, 0, { type: 'stream' });
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 5, requests: 41 }]);
      await store.endings.beginEnd(session.id, anEnd({ reason: 'idle', at: NOW + 7, note: { by: JOB } }));
      const facts = { reason: 'idle', durationMs: 7, requests: 42, resources: 3, bytes: 42 };
      same((await timelineOf(store, session)).slice(1), [{ kind: 'ended', at: NOW + 7, by: JOB, ...facts }]);
    },
  },
  {
    name: 'an end before the opening, by a clock that was set back, has no duration',
    async run(store) {
      const session = await noted(store);
      await store.endings.beginEnd(session.id, anEnd({ at: NOW - SECOND, note: { by: JOB } }));
      const ended = (await timelineOf(store, session)).find(({ kind }) => kind === 'ended');
      same([ended?.at, ended?.kind === 'ended' && ended.durationMs], [NOW - SECOND, 0]);
    },
  },
  {
    name: 'who did it comes back as it was given, with any text',
    async run(store) {
      const actors: Actor[] = [CLIENT, APP, JOB, LIMIT, ADMIN, CLI];
      for (const text of ANY_TEXTS) actors.push({ kind: 'cli', user: text, host: text });
      for (const by of actors) {
        const session = newSession();
        await store.sessions.open(session, MANY, { by });
        same(await timelineOf(store, session), [{ kind: 'opened', at: NOW, by }]);
      }
    },
  },
  {
    name: `of more than ${MOST_MARKS} marks the opening and the latest are kept`,
    async run(store) {
      const session = await noted(store);
      const tokens = Array.from({ length: MOST_MARKS + 1 }, (_, index) => newToken(session, NOW + 1 + index));
      await append(store, session, [mismatch(NOW)]);
      await Promise.all(
        tokens.map((token) =>
          store.sessions.regenerate(session.id, null, { ...token, note: { by: CLIENT } }),
        ),
      );
      const timeline = await timelineOf(store, session);
      const marks = timeline.filter(({ kind }) => kind !== 'mismatch');
      same([timeline.length, marks.length, marks[0]?.kind], [MOST_MARKS + 1, MOST_MARKS, 'opened']);
      same(
        marks.slice(1).map(({ at }) => at),
        tokens.slice(2).map(({ at }) => at),
      );
    },
  },
  {
    name: `an eviction counts among the ${MOST_DEEDS} deeds that are kept`,
    async run(store) {
      const session = await noted(store);
      await append(
        store,
        session,
        Array.from({ length: MOST_DEEDS }, (_, index) => mismatch(NOW - MOST_DEEDS + index)),
      );
      await ready(store, session.id, 30);
      const candidates = evictionOrder(await store.resources.list([session.id]));
      const file = await complete(store, session.id, 30);
      placed(await place(store, session.id, [file], { candidates, at: NOW + SECOND }));
      const deeds = (await timelineOf(store, session)).filter(({ kind }) => kind !== 'opened');
      same([deeds.length, deeds[0]?.at, deeds.at(-1)?.kind], [MOST_DEEDS, NOW - MOST_DEEDS + 1, 'evicted']);
    },
  },
];

/** Places files with a note. */
async function place(
  store: SessionStore,
  sessionId: string,
  files: readonly { readonly id: string }[],
  differing: Partial<Placement> = {},
) {
  return store.resources.place(
    placement(sessionId, files, { limits: SMALL, note: { by: LIMIT }, ...differing }),
  );
}
