/* oxlint-disable no-await-in-loop -- the order is tested */
import assert from 'node:assert/strict';
import {
  AUDIT_DEEDS,
  AUDIT_MAX_BYTES,
  MOST_WRONG_TOKENS,
  type AuditEntry,
} from '../../../domain/journal/audit-entry.js';
import {
  anEnd,
  atOnce,
  DAY,
  MINUTE,
  NODE,
  NOW,
  openedMany,
  ready,
  same,
  SECOND,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';
import { ADMIN, ANY_TEXTS, APP, auditOf, CLI, CLIENT, JOB, LIMIT, pagesOf } from './journal.fixtures.js';

const MEBIBYTE = 1024 * 1024;

export const auditCases: readonly SessionStoreCase[] = [
  {
    name: 'entries of the audit come back as they were given, the latest first',
    async run(store) {
      same(await auditOf(store), []);
      const entries = [
        ...AUDIT_DEEDS.map((deed) => auditEntry({ deed, subject: deed === 'cleanup' ? null : NODE })),
        auditEntry({ by: CLI, outcome: 'failed', sessions: 3, resources: 4, bytes: Number.MAX_SAFE_INTEGER }),
        ...ANY_TEXTS.map((text) =>
          auditEntry({ by: { kind: 'cli', user: text, host: text }, subject: text }),
        ),
      ].map((entry, index) => ({ ...entry, at: NOW + index }));
      for (const entry of entries) await store.audit.append(entry);
      same(await auditOf(store), entries.toReversed());
    },
  },
  {
    name: 'entries of one instant come in the order in which they were written, the latest first, and a repeat adds again',
    async run(store) {
      for (const sessions of [1, 2, 2]) await store.audit.append(auditEntry({ sessions }));
      await store.audit.append(auditEntry({ at: NOW - 1, sessions: 3 }));
      await store.audit.append(auditEntry({ at: NOW + 1, sessions: 4 }));
      same(
        (await auditOf(store)).map(({ sessions }) => sessions),
        [4, 2, 2, 1, 3],
      );
    },
  },
  {
    name: 'a range of the audit has its beginning, and not its end',
    async run(store) {
      for (const at of [NOW, NOW + 1, NOW + 2, NOW + 3]) await store.audit.append(auditEntry({ at }));
      const read = async (from: number, to: number, limit = 10) =>
        (await store.audit.read({ from, to, limit })).entries.map(({ at }) => at - NOW);
      same(await read(NOW + 1, NOW + 3), [2, 1]);
      same(await read(NOW, NOW + DAY), [3, 2, 1, 0]);
      same(await read(NOW, NOW + DAY, 3), [3, 2, 1]);
      same(await read(NOW + 2, NOW + 2), []);
      same(await read(0, NOW), []);
    },
  },
  {
    name: 'pages of the audit have every entry once while others are added',
    async run(store) {
      // Several of one instant lie around the end of a page.
      const entries = Array.from({ length: 20 }, (_, index) =>
        auditEntry({ at: NOW + Math.floor(index / 4), bytes: index }),
      );
      for (const entry of entries) await store.audit.append(entry);
      for (const limit of [1, 3, 10, 19, 20, 21]) {
        const query = { from: NOW, to: NOW + DAY, limit };
        const pages = await pagesOf(limit, (after) => store.audit.read({ ...query, after }));
        same(pages, entries.toReversed());
      }
      const query = { from: NOW + 1, to: NOW + 4, limit: 5 };
      const seen = await pagesOf(
        5,
        (after) => store.audit.read({ ...query, after }),
        () => store.audit.append(auditEntry({ at: NOW + 3, bytes: 99 })),
      );
      same(seen, entries.slice(4, 16).toReversed());
    },
  },
  {
    name: 'an end by an operator is in the audit, in the same step and once; those by others are not',
    async run(store) {
      const actors = [CLIENT, ADMIN, APP, JOB, CLI, LIMIT];
      const sessions = await openedMany(store, actors.length);
      for (const [index, by] of actors.entries()) {
        const id = sessions[index]?.id ?? '';
        await ready(store, id, 30);
        await ready(store, id, index);
        await writing(store, id, 1000);
        const end = anEnd({ reason: 'admin', at: NOW + index, note: { by } });
        const ends = await atOnce(5, () => store.endings.beginEnd(id, end));
        assert.equal(ends.filter((record) => record !== null).length, 1);
        assert.equal((await auditOf(store)).length, actors.slice(0, index + 1).filter(isOfOperator).length);
      }
      const ended = { deed: 'end', outcome: 'done', sessions: 1, resources: 2 };
      same(await auditOf(store), [
        { ...ended, at: NOW + 4, by: CLI, subject: sessions[4]?.id, bytes: 34 },
        { ...ended, at: NOW + 1, by: ADMIN, subject: sessions[1]?.id, bytes: 31 },
      ]);
    },
  },
  {
    name: 'the audit keeps the latest entries, as many as fit',
    async run(store) {
      const count = AUDIT_MAX_BYTES / MEBIBYTE + 4;
      for (let index = 0; index < count; index += 1) {
        await store.audit.append(auditEntry({ at: NOW + index, subject: 'x'.repeat(MEBIBYTE - 1024) }));
      }
      const kept = (await auditOf(store)).map(({ at }) => at - NOW);
      assert.ok(kept.length <= AUDIT_MAX_BYTES / MEBIBYTE && kept.length >= count / 2, `kept ${kept.length}`);
      same(
        kept,
        Array.from({ length: kept.length }, (_, index) => count - 1 - index),
      );
    },
  },
  {
    name: 'entries and wrong tokens from before an instant are dropped and counted',
    async run(store) {
      for (const at of [NOW, NOW + MINUTE - 1, NOW + MINUTE]) await store.audit.append(auditEntry({ at }));
      for (const at of [NOW, NOW, NOW + MINUTE]) await store.audit.countWrongToken('192.0.2.7', at);
      assert.equal(await store.audit.prune(NOW), 0);
      assert.equal(await store.audit.prune(NOW + MINUTE), 2 + 1);
      same(
        (await auditOf(store)).map(({ at }) => at),
        [NOW + MINUTE],
      );
      same(await store.audit.listWrongTokens(), [{ minuteAt: NOW + MINUTE, network: '192.0.2.7', count: 1 }]);
      assert.equal(await store.audit.prune(NOW + MINUTE), 0);
      assert.equal(await store.audit.prune(NOW + DAY), 2);
      same([await auditOf(store), await store.audit.listWrongTokens()], [[], []]);
    },
  },
  {
    name: 'wrong tokens are counted by network and minute, and listed by them',
    async run(store) {
      same(await store.audit.listWrongTokens(), []);
      const [a, b] = ['192.0.2.7', '2001:db8::/56'];
      await atOnce(5, (index) => store.audit.countWrongToken(b, NOW + index * SECOND));
      await store.audit.countWrongToken(a, NOW + MINUTE - 1);
      await store.audit.countWrongToken(b, NOW + MINUTE);
      await store.audit.countWrongToken(a, NOW - 1);
      same(await store.audit.listWrongTokens(), [
        { minuteAt: NOW + MINUTE, network: b, count: 1 },
        { minuteAt: NOW, network: a, count: 1 },
        { minuteAt: NOW, network: b, count: 5 },
        { minuteAt: NOW - MINUTE, network: a, count: 1 },
      ]);
      same(await auditOf(store), []);
    },
  },
  {
    name: `the latest ${MOST_WRONG_TOKENS} entries of wrong tokens are kept, and they push out no others`,
    async run(store) {
      await store.audit.append(auditEntry());
      const share = MOST_WRONG_TOKENS / 2;
      for (const minute of [1, 2]) {
        await atOnce(share, (index) => store.audit.countWrongToken(`net ${index}`, NOW + minute * MINUTE));
      }
      await atOnce(10, (index) => store.audit.countWrongToken(`net ${index}`, NOW + 3 * MINUTE));
      await store.audit.countWrongToken('net 0', NOW + 2 * MINUTE);
      await store.audit.countWrongToken('net 0', NOW);
      const listed = await store.audit.listWrongTokens();
      const minutes = [0, 1, 2, 3].map((minute) => {
        const ofMinute = listed.filter(({ minuteAt }) => minuteAt === NOW + minute * MINUTE);
        return ofMinute.length;
      });
      same(minutes, [0, share - 10, share, 10]);
      const counted = listed.filter(({ count }) => count > 1);
      same(counted, [{ minuteAt: NOW + 2 * MINUTE, network: 'net 0', count: 2 }]);
      same(await auditOf(store), [auditEntry()]);
    },
  },
];

function auditEntry(differing: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at: NOW,
    by: ADMIN,
    deed: 'forget-node',
    subject: null,
    outcome: 'nothing',
    sessions: 0,
    resources: 0,
    bytes: 0,
    ...differing,
  };
}

function isOfOperator({ kind }: { readonly kind: string }): boolean {
  return kind === 'admin' || kind === 'cli';
}
