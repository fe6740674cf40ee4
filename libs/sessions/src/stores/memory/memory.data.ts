import { randomUUID } from 'node:crypto';
import type { EndReason, SessionRecord } from '../../domain/session.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { ClockAnchor } from '../../ports/clock.js';
import type { Heartbeat, JobRecord, NodeRecord, TypeTotals } from '../../ports/session-store.js';

/** A session, and what only the store knows of it. Records are replaced, never altered: callers keep what they got. */
export interface SessionEntry {
  record: SessionRecord;
  change: number;
  previousTokenHash: string | null;
  replacedAt: number;
  /** While it is ending: the nodes that have not done their part, and until when each is leased. */
  readonly parts: Map<string, number>;
}

export interface ResourceEntry {
  record: ResourceRecord;
  /** Whether it ever was `ready`: what a writer left unfinished is not counted as released. */
  settled: boolean;
  leasedUntil: number;
  /** Reads under way, by process. */
  readonly uses: Map<string, number>;
}

/** Stands for the node of an end that no node has files for. */
export const NOBODY = '';

/** All that a memory store holds. */
export class MemoryData {
  readonly generation = randomUUID();
  counter = 0;
  seenAt: number | null = null;
  anchor: ClockAnchor | null = null;
  readonly sessions = new Map<string, SessionEntry>();
  /** By the tokens they have, and by those they had before. */
  readonly byToken = new Map<string, SessionEntry>();
  readonly resources = new Map<string, ResourceEntry>();
  readonly processes = new Map<string, Heartbeat>();
  readonly nodes = new Map<string, Omit<NodeRecord, 'resources'>>();
  readonly jobs = new Map<string, JobRecord>();

  created = 0;
  endedDurationMs = 0;
  readonly ended: Record<EndReason, number> = { idle: 0, expired: 0, ended: 0, admin: 0, evicted: 0 };
  /** What was let go so far; what is held is counted when it is asked for. */
  readonly types = new Map<string, Pick<TypeTotals, 'released' | 'releasedBytes' | 'evicted'>>();

  stamp(entry: SessionEntry): void {
    this.counter += 1;
    entry.change = this.counter;
  }

  see(at: number): void {
    this.seenAt = Math.max(this.seenAt ?? at, at);
  }

  add(entry: SessionEntry): void {
    this.sessions.set(entry.record.id, entry);
    this.byToken.set(entry.record.tokenHash, entry);
    this.created += 1;
  }

  /** The token before the last is forgotten. */
  retoken(entry: SessionEntry, tokenHash: string, at: number): void {
    this.#forgetToken(entry, entry.previousTokenHash);
    entry.previousTokenHash = entry.record.tokenHash;
    entry.replacedAt = at;
    entry.record = { ...entry.record, tokenHash, epoch: entry.record.epoch + 1 };
    this.byToken.set(tokenHash, entry);
  }

  drop(sessionId: string): void {
    const entry = this.sessions.get(sessionId);
    if (entry === undefined) return;
    this.sessions.delete(sessionId);
    this.#forgetToken(entry, entry.record.tokenHash);
    this.#forgetToken(entry, entry.previousTokenHash);
  }

  /** What began and did not end. */
  get openCount(): number {
    return Object.values(this.ended).reduce((open, ended) => open - ended, this.created);
  }

  openSession(sessionId: string): SessionEntry | null {
    const entry = this.sessions.get(sessionId);
    return entry?.record.state === 'open' ? entry : null;
  }

  sessionsIn(state: SessionRecord['state']): SessionEntry[] {
    return [...this.sessions.values()].filter((entry) => entry.record.state === state);
  }

  resourcesOf(sessionId: string): ResourceEntry[] {
    return [...this.resources.values()].filter((entry) => entry.record.sessionId === sessionId);
  }

  /** The nodes that hold files of a session, in the order of their ids. */
  nodesOf(sessionId: string): string[] {
    const nodes = this.resourcesOf(sessionId).map(({ record }) => record.nodeId);
    return [...new Set(nodes)].filter((nodeId) => nodeId !== null).toSorted();
  }

  /** Changes what the session of a resource holds. */
  hold(sessionId: string, count: number, bytes: number): void {
    const entry = this.sessions.get(sessionId);
    if (entry === undefined) return;
    const { resourceCount, bytesUsed } = entry.record;
    entry.record = { ...entry.record, resourceCount: resourceCount + count, bytesUsed: bytesUsed + bytes };
  }

  #forgetToken(entry: SessionEntry, tokenHash: string | null): void {
    if (tokenHash !== null && this.byToken.get(tokenHash) === entry) this.byToken.delete(tokenHash);
  }
}

/** By an instant, ties in the order of the ids. */
export function byInstant<T extends { readonly id: string }>(instantOf: (item: T) => number) {
  return (a: T, b: T): number => instantOf(a) - instantOf(b) || (a.id < b.id ? -1 : Number(a.id > b.id));
}
