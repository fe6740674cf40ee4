import { idleEndsAt } from '../../domain/lifetime.js';
import type { SessionRecord } from '../../domain/session.js';
import type { BeginEnd, Claim, EndCondition, Released } from '../../ports/session-store.js';
import { byInstant, type MemoryData } from './memory.data.js';
import type { MemoryReleases } from './memory.releases.js';

/** How a session ends: what is due, `open → ending → ended`, and the tombstone's own end. */
export class MemoryEndings {
  constructor(
    private readonly data: MemoryData,
    private readonly releases: MemoryReleases,
  ) {}

  beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition): SessionRecord | null {
    const entry = this.data.openSession(sessionId);
    if (entry === null || !holds(entry.record, only)) return null;
    entry.record = { ...entry.record, state: 'ending', endReason: end.reason };
    entry.leasedUntil = end.lease.until;
    this.data.stamp(entry);
    this.data.see(end.at);
    this.data.ended[end.reason] += 1;
    this.data.endedDurationMs += Math.max(0, end.at - entry.record.createdAt);
    return entry.record;
  }

  claimEnding(claim: Claim): SessionRecord[] {
    const claimed = this.data
      .sessionsIn('ending')
      .filter((entry) => entry.leasedUntil <= claim.at)
      .map((entry) => ({ id: entry.record.id, entry }))
      .toSorted(byInstant(({ entry }) => entry.leasedUntil))
      .slice(0, claim.limit);
    for (const { entry } of claimed) entry.leasedUntil = claim.lease.until;
    return claimed.map(({ entry }) => entry.record);
  }

  finishEnd(sessionId: string, at: number): Released {
    const entry = this.data.sessions.get(sessionId);
    if (entry?.record.state !== 'ending') return { resources: 0, bytes: 0 };
    const released = this.releases.drop(this.data.resourcesOf(sessionId), 'released');
    entry.record = { ...entry.record, state: 'ended', ipAddress: '', userAgent: '' };
    this.data.stamp(entry);
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
    for (const { id } of dropped) this.data.sessions.delete(id);
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
