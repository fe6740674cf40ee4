import { idleEndsAt } from '../../domain/lifetime.js';
import type { SessionRecord } from '../../domain/session.js';
import type {
  BeginEnd,
  Claim,
  EndCondition,
  EndingSession,
  Lease,
  Released,
} from '../../ports/session-store.js';
import { byInstant, NOBODY, type MemoryData, type SessionEntry } from './memory.data.js';
import type { MemoryReleases } from './memory.releases.js';

/** How a session ends: what is due, `open → ending → ended`, and the tombstone's own end. */
export class MemoryEndings {
  constructor(
    private readonly data: MemoryData,
    private readonly releases: MemoryReleases,
  ) {}

  beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition): EndingSession | null {
    const entry = this.data.openSession(sessionId);
    if (entry === null || !holds(entry.record, only)) return null;
    entry.record = { ...entry.record, state: 'ending', endReason: end.reason };
    const nodes = this.data.nodesOf(sessionId);
    if (nodes.length === 0) entry.parts.set(NOBODY, end.lease.until);
    for (const node of nodes) entry.parts.set(node, node === end.lease.nodeId ? end.lease.until : 0);
    this.data.stamp(entry);
    this.data.see(end.at);
    this.data.ended[end.reason] += 1;
    this.data.endedDurationMs += Math.max(0, end.at - entry.record.createdAt);
    return ending(entry, end.lease);
  }

  leaseEnding(claim: Claim): EndingSession[] {
    const claimed = this.data
      .sessionsIn('ending')
      .flatMap((entry) =>
        [claim.lease.nodeId, NOBODY].map((node) => ({
          id: entry.record.id,
          entry,
          node,
          turn: entry.parts.get(node),
        })),
      )
      .filter(({ turn }) => turn !== undefined && turn <= claim.at)
      .toSorted(byInstant(({ turn = 0 }) => turn))
      .slice(0, claim.limit);
    for (const { entry, node } of claimed) entry.parts.set(node, claim.lease.until);
    return claimed.map(({ entry }) => ending(entry, claim.lease));
  }

  finishEnd(sessionId: string, nodeId: string, at: number): Released {
    const entry = this.data.sessions.get(sessionId);
    if (entry?.record.state !== 'ending') return { resources: 0, bytes: 0 };
    const held = this.data.resourcesOf(sessionId);
    const released = this.releases.drop(
      held.filter(({ record }) => record.nodeId === null || record.nodeId === nodeId),
      'released',
    );
    entry.parts.delete(nodeId);
    entry.parts.delete(NOBODY);
    entry.record = { ...entry.record, ipAddress: '', userAgent: '' };
    if (entry.parts.size === 0) {
      entry.record = { ...entry.record, state: 'ended' };
      this.data.stamp(entry);
    }
    this.data.see(at);
    return released;
  }

  findIdle(at: number, limit: number): SessionRecord[] {
    return this.#due(idleEndsAt, at).slice(0, limit);
  }

  findExpired(at: number, limit: number): SessionRecord[] {
    return this.#due(expiresAt, at).slice(0, limit);
  }

  countDue(at: number): { idle: number; expired: number } {
    return { idle: this.#due(idleEndsAt, at).length, expired: this.#due(expiresAt, at).length };
  }

  findDisposable(limit: number): SessionRecord[] {
    return this.data
      .sessionsIn('open')
      .map((entry) => entry.record)
      .filter(isDisposable)
      .toSorted(byInstant((session) => session.lastActivityAt))
      .slice(0, limit);
  }

  dropTombstones(at: number, limit: number): number {
    const dropped = this.data
      .sessionsIn('ended')
      .map((entry) => entry.record)
      .filter((session) => session.expiresAt <= at)
      .toSorted(byInstant(expiresAt))
      .slice(0, limit);
    for (const { id } of dropped) this.data.drop(id);
    return dropped.length;
  }

  #due(instantOf: (session: SessionRecord) => number, at: number): SessionRecord[] {
    return this.data
      .sessionsIn('open')
      .map((entry) => entry.record)
      .filter((session) => instantOf(session) <= at)
      .toSorted(byInstant(instantOf));
  }
}

/** Read before the files are dropped: what has a part has files. */
function ending({ record, parts }: SessionEntry, lease: Lease): EndingSession {
  return { ...record, hasFiles: parts.has(lease.nodeId) };
}

function expiresAt(session: SessionRecord): number {
  return session.expiresAt;
}

function isDisposable(session: SessionRecord): boolean {
  return session.resourceCount === 0 && session.userId === null;
}

function holds(session: SessionRecord, only?: EndCondition): boolean {
  if (only === undefined) return true;
  if (session.lastActivityAt > only.lastActivityAt) return false;
  return only.disposable !== true || isDisposable(session);
}
