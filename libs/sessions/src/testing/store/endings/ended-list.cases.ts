/* oxlint-disable no-await-in-loop -- the order is tested */
import { compareIds } from '../../../domain/ids.js';
import type { EndedQuery, EndedRecord, SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  DAY,
  HOUR,
  newToken,
  NODE,
  NOW,
  opened,
  openedMany,
  present,
  ready,
  same,
  type SessionStoreCase,
} from '../store.fixtures.js';

const APP = { kind: 'app' } as const;

export const endedListCases: readonly SessionStoreCase[] = [
  {
    name: 'sessions that are over are listed page by page, latest end first, with what is known of their end',
    async run(store) {
      const sessions = await openedMany(store, 9, (index) => ({ createdAt: NOW + index }));
      for (const [index, { id }] of sessions.entries()) {
        if (index < 2) continue;
        const end = anEnd({
          at: NOW + HOUR + Math.floor(index / 3),
          keptUntil: NOW + DAY,
          note: { by: APP },
        });
        present(await store.endings.beginEnd(id, end));
        if (index % 2 === 0) await store.endings.finishEnd(id, NODE, NOW + HOUR);
      }
      // Not kept for the journal: it is in no list.
      present(await store.endings.beginEnd(present(sessions[1]).id, anEnd()));
      const expected = sessions
        .slice(2)
        .map(({ id, createdAt }, index): EndedRecord => {
          const at = NOW + HOUR + Math.floor((index + 2) / 3);
          const held = { durationMs: at - createdAt, requests: 1, resources: 0, bytes: 0 };
          return {
            id,
            state: index % 2 === 0 ? 'ended' : 'ending',
            createdAt,
            endedAt: at,
            endReason: 'ended',
            end: { kind: 'ended', at, by: APP, reason: 'ended', ...held },
          };
        })
        .toSorted((a, b) => b.endedAt - a.endedAt || compareIds(a.id, b.id));
      same(await all(store, { limit: 2 }), expected);
      same(await all(store, { limit: 7 }), expected);
      await store.endings.dropTombstones(NOW + 2 * DAY, 10);
      same(
        await all(store, { limit: 10 }),
        expected.filter(({ state }) => state === 'ending'),
      );
    },
  },
  {
    name: 'the ends of a user are those of sessions whose latest login has the hash; without a timeline less is known',
    async run(store) {
      const sessions = await openedMany(store, 5);
      for (const [index, session] of sessions.entries()) {
        const userHash = `hash-of-user-${index % 2}`;
        if (index < 4) {
          const login = { ...newToken(session), userId: `user-${index % 2}`, note: { by: APP, userHash } };
          same(await store.sessions.login(session.id, null, login), 'done');
        }
        await ready(store, session.id, 7);
        const note = index === 1 ? null : { by: APP };
        present(
          await store.endings.beginEnd(session.id, anEnd({ at: NOW + index, keptUntil: NOW + DAY, note })),
        );
      }
      const of = async (userHash: string, limit = 10) =>
        (await all(store, { limit, userHash })).map(({ id, end }) => [id, end?.bytes ?? null]);
      const [zero, one, two, three] = sessions.map(({ id }) => id);
      same(await of('hash-of-user-0'), [
        [two, 7],
        [zero, 7],
      ]);
      same(await of('hash-of-user-1', 1), [
        [three, 7],
        [one, null],
      ]);
      same(await of('hash-of-nobody'), []);
      await store.journal.forgetUser('hash-of-user-0', 10);
      same(await of('hash-of-user-0'), []);
      same((await all(store, { limit: 10 })).length, 5);
    },
  },
  {
    name: 'an end that the clock had in the future is listed at the instant that it was put right to',
    async run(store) {
      const { id } = await opened(store);
      const end = anEnd({ at: NOW + DAY, keptUntil: NOW + 2 * DAY });
      present(await store.endings.beginEnd(id, end));
      await store.endings.finishEnd(id, NODE, NOW + DAY);
      await store.clock.forgetAfter(NOW + HOUR);
      same(
        (await store.endings.listEnded({ limit: 2 })).sessions.map(({ endedAt }) => endedAt),
        [NOW + HOUR],
      );
    },
  },
];

/** All pages. */
async function all(store: SessionStore, query: Omit<EndedQuery, 'after'>): Promise<EndedRecord[]> {
  const found: EndedRecord[] = [];
  let page = await store.endings.listEnded(query);
  for (;;) {
    found.push(...page.sessions);
    if (page.next === null) return found;
    page = await store.endings.listEnded({ ...query, after: page.next });
  }
}
