/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import { MOST_DEEDS, MOST_REQUESTS, type JournalEntry } from '../../../domain/journal/entry.js';
import {
  anEnd,
  atOnce,
  newSession,
  NOW,
  opened,
  openedMany,
  present,
  same,
  SECOND,
  sessionNow,
  type SessionStoreCase,
} from '../store.fixtures.js';
import {
  ALL,
  ANY_TEXTS,
  append,
  CLIENT,
  finish,
  HASH,
  kindsOf,
  LIMIT,
  mismatch,
  noted,
  pagesOf,
  request,
  requests,
  timelineOf,
} from './journal.fixtures.js';

export const journalCases: readonly SessionStoreCase[] = [
  {
    name: 'the key of the journal is random text, and always the same',
    async run(store) {
      const keys = await atOnce(5, () => store.journal.key());
      same(new Set(keys).size, 1);
      assert.match(keys[0] ?? '', /^[!-~]{20,200}$/);
      await opened(store);
      assert.equal(await store.journal.key(), keys[0]);
    },
  },
  {
    name: 'entries of several sessions come back as they were given, each in its timeline',
    async run(store) {
      const [one, other, none] = (await openedMany(store, 3)).map(present);
      assert.ok(one && other && none);
      const [first, second, third, fourth] = everyKind().map((entry, index) => ({
        ...entry,
        at: NOW + index,
      }));
      assert.ok(first && second && third && fourth);
      await store.journal.append([
        { sessionId: one.id, entry: first },
        { sessionId: other.id, entry: third },
        { sessionId: one.id, entry: second },
        { sessionId: other.id, entry: fourth },
      ]);
      same(await timelineOf(store, one), [first, second]);
      same(await timelineOf(store, other), [third, fourth]);
      same(await timelineOf(store, none), []);
      await store.journal.append([]);
    },
  },
  {
    name: 'entries of every kind and with any text come back as they were given',
    async run(store) {
      const session = await opened(store);
      const entries = [...everyKind(), ...ANY_TEXTS.map((text) => request(NOW, text))].map(
        (entry, index) => ({
          ...entry,
          at: NOW + index,
        }),
      );
      await append(store, session, entries);
      same(await timelineOf(store, session), entries);
    },
  },
  {
    name: 'a timeline is ordered by instant, then as its entries were written',
    async run(store) {
      const session = await noted(store, { createdAt: NOW + 5 });
      const [first, second, third] = ['/1', '/2', '/3'].map((route) => request(NOW + 9, route));
      await append(store, session, [present(first), request(NOW + 11), present(second)]);
      await append(store, session, [present(third), request(NOW + 10), mismatch(NOW + 1), request(NOW + 2)]);
      await append(store, session, [mismatch(NOW + 9)]);
      const timeline = await timelineOf(store, session);
      same(
        timeline.map(({ at }) => at - NOW),
        [1, 2, 5, 9, 9, 9, 9, 10, 11],
      );
      same(timeline.slice(3, 7), [first, second, third, mismatch(NOW + 9)]);
    },
  },
  {
    name: 'a repeated append adds again, and concurrent ones lose nothing',
    async run(store) {
      const session = await opened(store);
      const entries = requests(3);
      await append(store, session, entries);
      await append(store, session, entries);
      same(
        await timelineOf(store, session),
        entries.flatMap((entry) => [entry, entry]),
      );
      await atOnce(20, (index) => append(store, session, requests(2, NOW + 2 * SECOND + 10 * index)));
      assert.equal((await timelineOf(store, session)).length, 46);
    },
  },
  {
    name: 'pages are at most as long as asked for, and have every entry once while others are added',
    async run(store) {
      const session = await noted(store);
      // Several of one instant lie around the end of a page.
      const entries = requests(20).map((entry, index) => ({
        ...entry,
        at: NOW + SECOND + Math.floor(index / 4),
      }));
      await append(store, session, entries.slice(0, 7));
      await append(store, session, entries.slice(7));
      for (const limit of [1, 3, 20, 21]) {
        const pages = pagesOf(limit, (after) => store.journal.read(session.id, limit, after));
        same((await pages).slice(1), entries);
      }
      const page = await store.journal.read(session.id, 3, null);
      same(page, await store.journal.read(session.id, 3));
      const late = (index: number) => append(store, session, [request(NOW + 2 * SECOND + index, '/late')]);
      const seen = await pagesOf(
        5,
        (after) => store.journal.read(session.id, 5, after),
        (index) => (index < 3 ? late(index) : Promise.resolve()),
      );
      const routes = seen.slice(1).map((entry) => ('route' in entry ? entry.route : entry.kind));
      same(routes, [...entries.map(() => '/files/:id'), '/late', '/late', '/late']);
    },
  },
  {
    name: 'the position of a page is good while the entries before it are dropped',
    async run(store) {
      const session = await opened(store);
      // Fifty of each instant.
      const entries = requests(MOST_REQUESTS).map((entry, index) => ({
        ...entry,
        at: NOW + Math.floor(index / 50),
        route: `/${index}`,
      }));
      await append(store, session, entries);
      const { entries: first, next } = await store.journal.read(session.id, 40);
      same(first, entries.slice(0, 40));
      const late = requests(35, NOW + 10 * SECOND);
      await append(store, session, late.slice(0, 5));
      same((await store.journal.read(session.id, ALL, next)).entries, [
        ...entries.slice(40),
        ...late.slice(0, 5),
      ]);
      await append(store, session, late.slice(5));
      same((await store.journal.read(session.id, 10, next)).entries, entries.slice(40, 50));
      await append(store, session, requests(20, NOW + 20 * SECOND));
      same((await store.journal.read(session.id, 10, next)).entries, entries.slice(55, 65));
    },
  },
  {
    name: 'an unknown session has an empty timeline, and what is appended to it is skipped',
    async run(store) {
      const session = await opened(store);
      const unknown = newSession();
      const entry = request(NOW);
      await store.journal.append([
        { sessionId: unknown.id, entry },
        { sessionId: session.id, entry },
        { sessionId: unknown.id, entry },
      ]);
      same(await timelineOf(store, session), [entry]);
      same(await timelineOf(store, unknown), []);
      assert.equal(await store.sessions.find(unknown.id), null);
      await store.sessions.open(unknown, { maxSessions: 10, network: null });
      same(await timelineOf(store, unknown), []);
    },
  },
  {
    name: 'entries are added while a session ends and while its tombstone stays, and change nothing of it',
    async run(store) {
      const session = await noted(store);
      const end = anEnd({ note: { by: CLIENT }, keptUntil: session.expiresAt + SECOND });
      await store.endings.beginEnd(session.id, end);
      const [ending, ended, dropped] = [request(NOW + 2 * SECOND), request(NOW + 3 * SECOND), request(NOW)];
      const before = await sessionNow(store, session);
      await append(store, session, [ending]);
      same(await sessionNow(store, session), before);
      await finish(store, session);
      await append(store, session, [ended]);
      assert.equal((await sessionNow(store, session)).state, 'ended');
      same((await timelineOf(store, session)).slice(2), [ending, ended]);
      assert.equal(await store.endings.dropTombstones(session.expiresAt + SECOND, 10), 1);
      await append(store, session, [dropped]);
      same(await timelineOf(store, session), []);
    },
  },
  {
    name: `the latest ${MOST_DEEDS} deeds and ${MOST_REQUESTS} requests are kept, whatever the other class adds`,
    async run(store) {
      const session = await noted(store);
      const other = await noted(store);
      const deeds = Array.from({ length: MOST_DEEDS + 7 }, (_, index) => mismatch(NOW + index));
      const many = requests(MOST_REQUESTS + 20, NOW);
      await append(store, session, deeds.slice(0, 60));
      await append(store, session, many.slice(0, MOST_REQUESTS - 1));
      await append(store, other, [...deeds.slice(0, 2), ...many.slice(0, 2)]);
      // Mixed, and not in their order.
      await append(store, session, [...many.slice(MOST_REQUESTS - 1).toReversed(), ...deeds.slice(60)]);
      const timeline = await timelineOf(store, session);
      same(kindsOf(timeline), { opened: 1, mismatch: MOST_DEEDS, request: MOST_REQUESTS });
      same(
        timeline.filter(({ kind }) => kind === 'request'),
        many.slice(20),
      );
      same(
        timeline.filter(({ kind }) => kind === 'mismatch'),
        deeds.slice(7),
      );
      same(kindsOf(await timelineOf(store, other)), { opened: 1, mismatch: 2, request: 2 });
    },
  },
  {
    name: 'of more requests than are kept the latest stay, in whatever order and in however many calls they came',
    async run(store) {
      const [one, other] = (await openedMany(store, 2)).map(present);
      assert.ok(one && other);
      const instants = async (session: typeof one) =>
        (await timelineOf(store, session)).map(({ at }) => at - NOW);
      const upwards = Array.from({ length: MOST_REQUESTS }, (_, index) => index);
      await append(store, one, requests(2 * MOST_REQUESTS, NOW - MOST_REQUESTS));
      await append(store, one, [request(NOW - 1), request(NOW + MOST_REQUESTS)]);
      same(await instants(one), [...upwards.slice(1), MOST_REQUESTS]);
      const half = MOST_REQUESTS / 2;
      await append(store, other, requests(half, NOW + 100));
      await append(store, other, requests(half, NOW + 100 + half));
      await append(store, other, [...requests(50, NOW)].toReversed());
      await append(store, other, requests(50, NOW + 50).toReversed());
      await append(store, other, [request(NOW + 100 + MOST_REQUESTS), request(NOW)]);
      same(
        await instants(other),
        upwards.map((at) => at + 101),
      );
    },
  },
];

/** An entry of every kind but `ended`, some without what may be missing. */
function everyKind(): JournalEntry[] {
  const refused = { kind: 'refused', at: NOW, reason: 'limit' } as const;
  return [
    { kind: 'opened', at: NOW, by: CLIENT },
    { kind: 'login', at: NOW, by: CLIENT, userHash: HASH },
    { kind: 'regenerated', at: NOW, by: CLIENT },
    { kind: 'evicted', at: NOW, by: LIMIT, resourceId: 'r', type: 'temp_file', sizeBytes: 0 },
    { ...refused, sizeBytes: null, limitBytes: null, quota: null },
    { ...refused, sizeBytes: Number.MAX_SAFE_INTEGER, limitBytes: 1, quota: 'maxBytesPerUser' },
    { kind: 'mismatch', at: NOW, property: 'address' },
    { ...request(NOW, null), status: null, durationMs: 0.125 } as JournalEntry,
    request(NOW),
    { ...request(NOW), params: 'page=2&q=%00' } as JournalEntry,
    { kind: 'placed', at: NOW, resourceId: 'r', type: 'stream', sizeBytes: 0 },
    {
      kind: 'upload',
      at: NOW,
      resourceId: 'r',
      bytes: Number.MAX_SAFE_INTEGER,
      durationMs: 7,
      outcome: 'complete',
    },
    { kind: 'download', at: NOW, resourceId: 'r', bytes: 0, durationMs: 0, outcome: 'aborted' },
    { kind: 'stream', at: NOW, resourceId: 'r', bytes: null, durationMs: 1, outcome: 'cut_off' },
  ];
}
