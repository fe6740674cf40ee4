import assert from 'node:assert/strict';
import type { Actor } from '../../../domain/journal/actor.js';
import type { AuditEntry } from '../../../domain/journal/audit-entry.js';
import type { JournalEntry } from '../../../domain/journal/entry.js';
import type { NewSession } from '../../../domain/session.js';
import type { SessionStore } from '../../../ports/store/session-store.js';
import { MANY, NODE, newSession, newToken, NOW, same, SECOND } from '../store.fixtures.js';

export const CLIENT: Actor = { kind: 'client' };
export const APP: Actor = { kind: 'app' };
export const JOB: Actor = { kind: 'job', job: 'idle', host: 'one.example.com', pid: 4711 };
export const LIMIT: Actor = { kind: 'limit', option: 'maxResourcesPerSession' };
export const ADMIN = { kind: 'admin', keyId: '3f9a01c2' } as const;
export const CLI = { kind: 'cli', user: 'ops "ñ" 🦊', host: 'two.example.com' } as const;

/** The hash of a user's id, as the core makes them. */
export const HASH = 'aW5jb21wcmVoZW5zaWJsZSBieSBkZXNpZ24';
export const OTHER_HASH = 'b3RoZXJ3aXNlIGluY29tcHJlaGVuc2libGU';

/** More than any timeline has. */
export const ALL = 10_000;

/** Well-formed text that a store might take for something else. */
export const ANY_TEXTS = [
  '',
  ' ',
  '"',
  "'",
  '\\',
  '{}',
  '[]',
  '%s',
  '🦊',
  'ñ\u0301',
  '\u2028',
  '\uFFFF',
  '$1',
  '\n',
];

export async function timelineOf(
  store: SessionStore,
  { id }: { readonly id: string },
): Promise<readonly JournalEntry[]> {
  const { entries, next } = await store.journal.read(id, ALL);
  assert.equal(next, null);
  return entries;
}

/** Opens a session; the opening is entered. */
export async function noted(store: SessionStore, differing: Partial<NewSession> = {}): Promise<NewSession> {
  const session = newSession(differing);
  assert.equal(await store.sessions.open(session, MANY, { by: CLIENT }), 'opened');
  return session;
}

/** Logs a user with this hash in; the login is entered. */
export async function notedLogin(
  store: SessionStore,
  session: { readonly id: string },
  userHash = HASH,
): Promise<void> {
  const login = { ...newToken(session), userId: userHash, note: { by: CLIENT, userHash } };
  assert.equal(await store.sessions.login(session.id, null, login), 'done');
}

export function request(at: number, route: string | null = '/files/:id'): JournalEntry {
  const { method, status, durationMs } = { method: 'GET', status: 200, durationMs: 3 };
  const sizes = { durationMs, receivedBytes: 0, sentBytes: 1234 };
  const types = { requestType: null, responseType: 'audio/wav' };
  return { kind: 'request', at, method, route, path: null, status, ...sizes, ...types };
}

export function mismatch(at: number): JournalEntry {
  return { kind: 'mismatch', at, property: 'agent' };
}

export async function append(
  store: SessionStore,
  { id }: { readonly id: string },
  entries: readonly JournalEntry[],
): Promise<void> {
  await store.journal.append(entries.map((entry) => ({ sessionId: id, entry })));
}

/** `count` requests, a millisecond apart. */
export function requests(count: number, from = NOW + SECOND, route?: string): JournalEntry[] {
  return Array.from({ length: count }, (_, index) => request(from + index, route));
}

export async function finish(store: SessionStore, { id }: { readonly id: string }): Promise<void> {
  await store.endings.finishEnd(id, NODE, NOW + SECOND);
}

/** All entries of the audit, the latest first. */
export async function auditOf(store: SessionStore): Promise<readonly AuditEntry[]> {
  const { entries, next } = await store.audit.read({ from: 0, to: Number.MAX_SAFE_INTEGER, limit: ALL });
  assert.equal(next, null);
  return entries;
}

/** Of each session, how many entries it has of each kind. */
export function kindsOf(entries: readonly JournalEntry[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { kind } of entries) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}

/** All pages from the first on, `limit` entries each at most. `between` runs after each. */
export async function pagesOf<Entry, Position extends string>(
  limit: number,
  read: (after: Position | null) => Promise<{ entries: readonly Entry[]; next: Position | null }>,
  between: (index: number) => Promise<void> = async () => undefined,
): Promise<Entry[]> {
  const all: Entry[] = [];
  let after: Position | null = null;
  for (let index = 0; index < 1000; index += 1) {
    // oxlint-disable-next-line no-await-in-loop -- a page begins where the one before ends
    const page: { entries: readonly Entry[]; next: Position | null } = await read(after);
    same([page.entries.length <= limit, page.next === null || /^[!-~]+$/.test(page.next)], [true, true]);
    all.push(...page.entries);
    if (page.next === null) return all;
    after = page.next;
    // oxlint-disable-next-line no-await-in-loop -- see above
    await between(index);
  }
  return assert.fail('the pages come to no end');
}
