import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { NewEntry } from '../../../libs/sessions/dist/ports/record/journal.js';
import { PlainTokens } from '../../../libs/sessions/dist/core/tokens/plain-tokens.js';
import { SqliteSessionStore } from '../../../libs/sessions/dist/stores/sqlite/sqlite-session-store.js';
import { say } from '../harness/progress.ts';
import { scratchFolder } from '../harness/scratch.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import { JOURNALED } from '../servers/contenders.ts';
import type { Scope } from '../tables.ts';
import { measurePairs } from './added.table.ts';

const EACH_SESSION = 100;
const BATCH = 500;
const READS = 200;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = 1_800_000_000_000;
const TREND_READS = 20;
const PROCESS = randomUUID();
/** What a busy server counts in a minute. */
const COUNTS = Object.fromEntries(
  [
    ['requests', 'refused:full', 'cleaned', 'cleanup_failures', 'peak_open', 'peak_users'],
    ['too_large', 'limit', 'quota', 'disk'].map((reason) => `refused_file:${reason}`),
  ]
    .flat()
    .map((name, index) => [name, 1000 + index]),
);

/** 12. What timelines cost a request, what a million entries weigh, and how long a month of trends takes. */
export async function measureJournal(scope: Scope): Promise<Table[]> {
  const requests = await measurePairs(scope, {
    title: 'A request in a timeline',
    pairs: JOURNALED,
    notes: ['`deeds`, the default, enters nothing of a request; `requests` an entry for each.'],
  });
  return [...requests, await measureEntries(scope), await measureTrends(scope)];
}

async function measureEntries({ short }: Scope): Promise<Table> {
  const sessions = short ? 100 : 10_000;
  const scratch = scratchFolder();
  const path = join(scratch.path, 'sessions.db');
  const store = new SqliteSessionStore({ path });
  try {
    await store.connect();
    const ids = await openAll(store, sessions);
    const entries = sessions * EACH_SESSION;
    say(`SQLite: ${entries} entries`);
    const before = statSync(path).size;
    const began = performance.now();
    for (let number = 0; number < EACH_SESSION; number += 1) {
      for (let start = 0; start < sessions; start += BATCH) {
        const some = ids.slice(start, start + BATCH);
        await store.journal.append(some.map((sessionId) => entryOf(sessionId, number)));
      }
    }
    const seconds = (performance.now() - began) / 1000;
    const readMs: number[] = [];
    for (let read = 0; read < READS; read += 1) {
      const startedAt = performance.now();
      await store.journal.read(ids[(read * 7919) % sessions] ?? '', EACH_SESSION);
      readMs.push(performance.now() - startedAt);
    }
    await store.close();
    const bytes = statSync(path).size - before;
    return {
      title: 'Timelines, SQLite',
      columns: ['entries', 'entries/s', 'bytes each', 'MB in all', `a timeline of ${EACH_SESSION}, ms`],
      rows: [
        [
          figure(entries),
          figure(entries / seconds),
          figure(bytes / entries),
          figure(bytes / 1e6),
          figure(median(readMs), 2),
        ],
      ],
      notes: [
        `${figure(sessions)} sessions; written ${BATCH} at a time, each of another session, as a busy server does.`,
      ],
    };
  } finally {
    await store.close().catch(() => {});
    scratch.remove();
  }
}

async function measureTrends({ short }: Scope): Promise<Table> {
  const scratch = scratchFolder();
  const store = new SqliteSessionStore({ path: join(scratch.path, 'sessions.db') });
  try {
    await store.connect();
    say('SQLite: trends of 30 days');
    const busyMinutes = short ? 60 : 48 * 60;
    const hours = Array.from({ length: 28 * 24 }, (_, hour) => NOW - 30 * DAY_MS + hour * HOUR_MS);
    const minutes = Array.from({ length: busyMinutes }, (_, minute) => NOW - (minute + 1) * MINUTE_MS);
    const batches = [...hours, ...minutes].map((at, number) =>
      store.trends.add({ processId: PROCESS, number: number + 1, at, counts: COUNTS }),
    );
    await Promise.all(batches);
    const timed = async (span: 'minute' | 'hour', from: number): Promise<string[]> => {
      const readMs: number[] = [];
      let points = 0;
      for (let read = 0; read < TREND_READS; read += 1) {
        const startedAt = performance.now();
        points = (await store.trends.read({ span, from, to: NOW })).length;
        readMs.push(performance.now() - startedAt);
      }
      return [figure(points), figure(median(readMs), 1)];
    };
    return {
      title: 'Trends, SQLite',
      columns: ['of', 'points', 'ms'],
      rows: [
        ['30 days by hour', ...(await timed('hour', NOW - 30 * DAY_MS))],
        ['48 hours by minute', ...(await timed('minute', NOW - 2 * DAY_MS))],
      ],
      notes: [`${Object.keys(COUNTS).length} counts in each point; medians of ${TREND_READS} reads.`],
    };
  } finally {
    await store.close();
    scratch.remove();
  }
}

async function openAll(store: SqliteSessionStore, count: number): Promise<string[]> {
  const tokens = new PlainTokens();
  const ids = Array.from({ length: count }, () => randomUUID());
  await Promise.all(
    ids.map((id) =>
      store.sessions.open(
        {
          id,
          tokenHash: tokens.createFor(id, 'cookie').hash,
          ipAddress: '192.0.2.1',
          userAgent: 'bench',
          createdAt: NOW,
          expiresAt: NOW + HOUR_MS,
          idleMs: HOUR_MS,
        },
        { maxSessions: 10_000_000, network: null },
        { by: { kind: 'client' } },
      ),
    ),
  );
  return ids;
}

function entryOf(sessionId: string, number: number): NewEntry {
  return {
    sessionId,
    entry: {
      at: NOW + number * 1000,
      kind: 'request',
      method: 'GET',
      route: '/resources/:resource_id',
      path: null,
      status: 206,
      durationMs: 12,
      receivedBytes: 412,
      sentBytes: 65_812,
      requestType: null,
      responseType: 'audio/webm',
    },
  };
}
