import { NOBODY } from '../../../domain/ids.js';
import { reservedRecord, type NewResource, type ResourceRecord } from '../../../domain/resource.js';
import {
  openingRecord,
  type Authority,
  type NewSession,
  type SessionRecord,
} from '../../../domain/session.js';
import type { EndingSession } from '../../../ports/store/session-store.js';
import { ANY_AUTHORITY } from '../scripts/lua/includes/tokens.includes.js';

/** A stored record: null fields are absent, and it has fields that only the store needs. */
type Stored<Record> = { [Key in keyof Record]?: NonNullable<Record[Key]> };
type StoredSession = Stored<SessionRecord> & {
  /** Hashes of its latest replaced tokens, in their order. */
  readonly replaced?: readonly string[];
  /** The network that opened it. */
  readonly network?: string;
  /** Whether the network counts it among those whose cookie never came back. */
  readonly isAwaited?: boolean;
  /** The most that it counts for in budgets, from its first reservation on. */
  readonly most?: { readonly resources: number; readonly bytes: number };
  /** While the session is ending: the nodes with an unfinished part, and the end of the lease of each. */
  readonly parts?: Readonly<Record<string, number>>;
};
type StoredResource = Stored<ResourceRecord>;

/** Converts a reply that must be a list of texts. */
export function textsOf(reply: unknown): string[] {
  return listOf(reply).map(textOf);
}

export function listOf(reply: unknown): unknown[] {
  if (!Array.isArray(reply)) throw new TypeError('Redis answered something other than a list');
  return reply;
}

export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply;
  if (typeof reply === 'number') return String(reply);
  throw new TypeError('Redis answered something other than a text');
}

export function numberOf(reply: unknown): number {
  const number = Number(textOf(reply));
  if (Number.isNaN(number)) throw new TypeError('Redis answered something other than a number');
  return number;
}

/** Field, value, field, value … */
export function pairsOf(texts: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (let index = 0; index + 1 < texts.length; index += 2)
    pairs.set(texts[index] ?? '', texts[index + 1] ?? '');
  return pairs;
}

/** An authority as the argument of a script (see the include `is_stale`). */
export function authorityText(authority: Authority | null): string {
  return authority ?? ANY_AUTHORITY;
}

export function newSessionText(session: NewSession, network: string | null): string {
  const { id, tokenHash, ipAddress, userAgent, createdAt, expiresAt, idleMs } = session;
  // An empty list would become an empty object in Lua.
  const { keptAuthorities: _none, ...record } = openingRecord({
    id,
    tokenHash,
    ipAddress,
    userAgent,
    createdAt,
    expiresAt,
    idleMs,
  });
  const isAwaited = network === null ? null : true;
  return textOfRecord({ ...record, network, isAwaited, overdrawnCount: 0, outgoing: {} });
}

export function newResourceText(resource: NewResource): string {
  const record = reservedRecord(resource);
  return textOfRecord({ ...record, usedBy: {}, completed: record.state === 'ready' });
}

export function sessionOf(text: string): SessionRecord {
  return storedSession(text).record;
}

/** An ending session from the view of one node. */
export function endingSessionOf(text: string, nodeId: string): EndingSession {
  const { record, nodes } = storedSession(text);
  return { ...record, hasFiles: nodes.includes(nodeId) };
}

/** A session with its fields that only the store needs. */
export function storedSession(text: string): {
  readonly record: SessionRecord;
  /** While the session is ending: the nodes that still have files of it, sorted by id. */
  readonly nodes: readonly string[];
} {
  const stored: StoredSession = JSON.parse(text);
  const record: SessionRecord = {
    id: given(stored.id),
    tokenHash: given(stored.tokenHash),
    keptAuthorities: stored.keptAuthorities ?? [],
    state: given(stored.state),
    endReason: stored.endReason ?? null,
    userId: stored.userId ?? null,
    ipAddress: given(stored.ipAddress),
    otherAddress: stored.otherAddress ?? null,
    userAgent: given(stored.userAgent),
    createdAt: given(stored.createdAt),
    loggedInAt: stored.loggedInAt ?? null,
    lastActivityAt: given(stored.lastActivityAt),
    expiresAt: given(stored.expiresAt),
    idleMs: given(stored.idleMs),
    remembered: given(stored.remembered),
    confirmed: given(stored.confirmed),
    requestCount: given(stored.requestCount),
    resourceCount: given(stored.resourceCount),
    bytesUsed: given(stored.bytesUsed),
    streamCount: given(stored.streamCount),
    incomingCount: given(stored.incomingCount),
    incomingBytes: given(stored.incomingBytes),
    dataBytes: given(stored.dataBytes),
  };
  return {
    record,
    nodes: Object.keys(stored.parts ?? {})
      .filter((node) => node !== NOBODY)
      .toSorted(),
  };
}

export function resourceOf(text: string): ResourceRecord {
  const stored: StoredResource = JSON.parse(text);
  return {
    id: given(stored.id),
    sessionId: given(stored.sessionId),
    type: given(stored.type),
    purpose: stored.purpose ?? null,
    fileName: stored.fileName ?? null,
    mediaType: stored.mediaType ?? null,
    sizeBytes: given(stored.sizeBytes),
    state: given(stored.state),
    processId: stored.processId ?? null,
    nodeId: stored.nodeId ?? null,
    createdAt: given(stored.createdAt),
    lastUsedAt: given(stored.lastUsedAt),
    uses: given(stored.uses),
    stalledSince: stored.stalledSince ?? null,
    overdrawn: stored.overdrawn ?? false,
  };
}

/** Replaces lone surrogates, which the JSON of Redis refuses. */
export function textOfRecord(record: object): string {
  return JSON.stringify(record, (_key, value: unknown) => {
    if (value === null) return undefined;
    return typeof value === 'string' ? value.toWellFormed() : value;
  });
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A record in Redis lacks a field');
  return value;
}

/** Records in the order of the given ids. */
export function inOrder<T extends { readonly id: string }>(
  ids: readonly string[],
  records: readonly T[],
): T[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  return [...new Set(ids)].map((id) => byId.get(id)).filter((record) => record !== undefined);
}
