import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { bucketName, inBucketOf } from '../../domain/bucket.js';
import { hasCode, type ErrorCode } from '../../domain/errors.js';
import type { ResourceLimits } from '../../domain/limits.js';
import type { NewResource, ResourceRecord } from '../../domain/resource.js';
import { authorityOf, type Authority, type NewSession, type SessionRecord } from '../../domain/session.js';
import type {
  BeginEnd,
  Heartbeat,
  ProcessLimits,
  Lease,
  NewToken,
  OpeningLimits,
  Placed,
  Placement,
  SessionStore,
} from '../../ports/store/session-store.js';

/** One test of a session store: see `sessionStoreContract`. */
export interface SessionStoreCase {
  /** A sentence about the store. */
  readonly name: string;
  /** Rejects with an `AssertionError` if the store does not do what `name` says. Needs a connected, empty store of its own. */
  readonly run: (store: SessionStore) => Promise<void>;
}

/** The start of every case, in epoch milliseconds. */
export const NOW = 1_800_000_000_000;
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Limits of an opening without a network. */
export function upTo(maxSessions: number): OpeningLimits {
  return { maxSessions, network: null };
}

/** A limit that no case reaches. */
export const MANY = upTo(1_000_000);
export const LIMITS: ResourceLimits = {
  maxResources: 100,
  maxBytes: 1_000_000,
  maxStreams: 100,
  onLimit: 'evict',
};
export const PROCESS = 'a0000000-0000-4000-8000-000000000001';
export const OTHER_PROCESS = 'a0000000-0000-4000-8000-000000000002';

export const NODE = 'b0000000-0000-4000-8000-000000000001';
export const OTHER_NODE = 'b0000000-0000-4000-8000-000000000002';

/** The hash of a new token of this session. */
export function tokenHash(sessionId: string = randomUUID()): string {
  return bucketName(sessionId) + createHash('sha256').update(randomUUID()).digest('base64url');
}

/** Without a note: that of a login has a hash too. */
export function newToken({ id }: { readonly id: string }, at = NOW): Omit<NewToken, 'note'> {
  return { tokenHash: tokenHash(id), at };
}

export function newSession(differing: Partial<NewSession> = {}): NewSession {
  const id = differing.id ?? randomUUID();
  return {
    id,
    tokenHash: tokenHash(id),
    ipAddress: '203.0.113.7',
    userAgent: 'Mozilla/5.0 (contract)',
    createdAt: NOW,
    expiresAt: NOW + HOUR,
    idleMs: 15 * MINUTE,
    ...differing,
  };
}

export async function opened(store: SessionStore, differing: Partial<NewSession> = {}): Promise<NewSession> {
  const session = newSession(differing);
  assert.equal(await store.sessions.open(session, MANY), 'opened');
  return session;
}

/** Opens `count` sessions; answers them in the order of their ids. */
export async function openedMany(
  store: SessionStore,
  count: number,
  differing: (index: number) => Partial<NewSession> = () => ({}),
): Promise<NewSession[]> {
  const ids = Array.from({ length: count }, () => randomUUID()).toSorted();
  return Promise.all(ids.map((id, index) => opened(store, { id, ...differing(index) })));
}

export function newResource(sessionId: string, differing: Partial<NewResource> = {}): NewResource {
  return {
    id: inBucketOf(sessionId, randomUUID()),
    sessionId,
    type: 'audio_file',
    purpose: 'transcription',
    fileName: 'phrase "1" ñ.webm',
    mediaType: 'audio/webm',
    sizeBytes: 0,
    createdAt: NOW,
    processId: PROCESS,
    nodeId: differing.type === 'stream' ? null : NODE,
    ...differing,
  };
}

/** A file in state writing, with `bytes` reserved. */
export async function writing(
  store: SessionStore,
  sessionId: string,
  bytes = 0,
  differing: Partial<NewResource> = {},
): Promise<NewResource> {
  const resource = newResource(sessionId, differing);
  assert.equal(await store.resources.reserve(resource, null, LIMITS), 'reserved');
  if (bytes > 0) assert.equal(await store.resources.grow(resource.id, null, bytes, LIMITS), 'grown');
  return resource;
}

/** A file in state complete. */
export async function complete(
  store: SessionStore,
  sessionId: string,
  bytes = 10,
  differing: Partial<NewResource> = {},
): Promise<ResourceRecord> {
  const { id } = await writing(store, sessionId, bytes, differing);
  const at = differing.createdAt ?? NOW;
  return record(await store.resources.complete(id, null, { sizeBytes: bytes, mediaType: null, at }));
}

/** A file in its place. */
export async function ready(
  store: SessionStore,
  sessionId: string,
  bytes = 10,
  differing: Partial<NewResource> = {},
): Promise<ResourceRecord> {
  const file = await complete(store, sessionId, bytes, differing);
  return present(placed(await store.resources.place(placement(sessionId, [file]))).files[0]);
}

export function placement(
  sessionId: string,
  files: readonly { readonly id: string }[],
  differing: Partial<Placement> = {},
): Placement {
  return {
    sessionId,
    authority: null,
    resourceIds: files.map(({ id }) => id),
    candidates: [],
    limits: LIMITS,
    overdraw: false,
    at: NOW,
    lease: lease(),
    ...differing,
  };
}

export function placed(answer: Placed | string): Placed {
  assert.ok(typeof answer === 'object', `expected files in their places, got ${JSON.stringify(answer)}`);
  return answer;
}

export function record(answer: ResourceRecord | string | null): ResourceRecord {
  assert.ok(
    typeof answer === 'object' && answer !== null,
    `expected a record, got ${JSON.stringify(answer)}`,
  );
  return answer;
}

/** What a session counts: resources and bytes in place, then files and bytes on their way in. */
export async function countsOf(store: SessionStore, session: { readonly id: string }): Promise<number[]> {
  const { resourceCount, bytesUsed, incomingCount, incomingBytes } = await sessionNow(store, session);
  return [resourceCount, bytesUsed, incomingCount, incomingBytes];
}

export function lease(until = NOW + MINUTE, processId = PROCESS, nodeId = NODE): Lease {
  return { processId, nodeId, until };
}

/** Limits in a heartbeat. */
const BEAT_LIMITS: ProcessLimits = {
  maxDurationMs: 60 * MINUTE,
  maxIdleMs: 15 * MINUTE,
  maxResources: 100,
  maxBytes: Number.MAX_SAFE_INTEGER,
  maxSessions: 100_000,
  cleanupIntervalMs: MINUTE,
};

export function beat(differing: Partial<Heartbeat>): Heartbeat {
  return {
    processId: PROCESS,
    role: 'server',
    host: 'one.example.com',
    pid: 4711,
    at: NOW,
    flushedThroughAt: NOW,
    nodeId: NODE,
    address: null,
    beacon: null,
    keyIds: [],
    version: '1.2.3',
    startedAt: NOW,
    limits: BEAT_LIMITS,
    disk: null,
    ...differing,
  };
}

export function anEnd(differing: Partial<BeginEnd> = {}): BeginEnd {
  return { reason: 'ended', at: NOW + SECOND, lease: lease(), ...differing };
}

/** The authority of a session's present token. */
export async function authorityNow(
  store: SessionStore,
  session: { readonly id: string },
): Promise<Authority> {
  return authorityOf((await sessionNow(store, session)).tokenHash);
}

/** Logs a user in with a new token; answers its hash. */
export async function loggedIn(
  store: SessionStore,
  { id }: { readonly id: string },
  userId = 'ada',
): Promise<string> {
  const hash = tokenHash(id);
  assert.equal(await store.sessions.login(id, null, { userId, tokenHash: hash, at: NOW }), 'done');
  return hash;
}

export async function ended(store: SessionStore, session: { readonly id: string }): Promise<void> {
  present(await store.endings.beginEnd(session.id, anEnd()));
  await store.endings.finishEnd(session.id, NODE, NOW + SECOND);
}

export async function sessionNow(
  store: SessionStore,
  session: { readonly id: string },
): Promise<SessionRecord> {
  return present(await store.sessions.find(session.id));
}

export async function resourceNow(
  store: SessionStore,
  resource: { readonly id: string },
): Promise<ResourceRecord> {
  return present(await store.resources.find(resource.id));
}

export function present<T>(value: T | null | undefined): T {
  assert.ok(value !== null && value !== undefined, 'expected a record, got none');
  return value;
}

/** Deep equality of data without prototypes: answers may come from another thread or realm. */
export function same(actual: unknown, expected: unknown, message?: string): void {
  assert.deepEqual(plain(actual), plain(expected), message);
}

export function sameIds(
  actual: readonly { readonly id: string }[],
  expected: readonly { readonly id: string }[],
): void {
  same(
    actual.map(({ id }) => id),
    expected.map(({ id }) => id),
  );
}

/** Counts equal answers. */
export function tally(answers: readonly (string | { readonly refused: string })[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    const name = typeof answer === 'string' ? answer : answer.refused;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

export async function rejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error: unknown) => hasCode(error, code));
}

/** Makes `count` concurrent calls. */
export function atOnce<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)));
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
