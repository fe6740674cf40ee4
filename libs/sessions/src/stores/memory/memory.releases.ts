import { isInUse, type ResourceRecord } from '../../domain/resource.js';
import type { Claim, Lease, Released, Victim } from '../../ports/session-store.js';
import { byInstant, type MemoryData, type ResourceEntry } from './memory.data.js';

/** How a resource is let go: `releasing`, and gone once its file is. */
export class MemoryReleases {
  constructor(private readonly data: MemoryData) {}

  beginRelease(victims: readonly Victim[], lease: Lease, only: 'unused' | 'any'): ResourceRecord[] {
    const marked: ResourceRecord[] = [];
    for (const victim of victims) {
      const entry = this.data.resources.get(victim.id);
      if (entry === undefined || entry.record.state === 'releasing') continue;
      if (only === 'unused' && !isEvictable(entry.record, victim)) continue;
      const { nodeId } = entry.record;
      if (nodeId === null || nodeId === lease.nodeId) marked.push(mark(entry, lease.until));
      else marked.push(this.#leave(entry, only === 'unused'));
    }
    return marked;
  }

  leaseReleasing(claim: Claim): ResourceRecord[] {
    return [...this.data.resources.values()]
      .filter(({ record }) => record.nodeId === null || record.nodeId === claim.lease.nodeId)
      .filter((entry) => entry.record.state === 'releasing' && entry.leasedUntil <= claim.at)
      .map((entry) => ({ id: entry.record.id, entry }))
      .toSorted(byInstant(({ entry }) => entry.leasedUntil))
      .slice(0, claim.limit)
      .map(({ entry }) => mark(entry, claim.lease.until));
  }

  finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted'): Released {
    const releasing = [...new Set(resourceIds)]
      .map((id) => this.data.resources.get(id))
      .filter((entry) => entry?.record.state === 'releasing')
      .filter((entry) => entry !== undefined);
    return this.drop(releasing, kind);
  }

  /** Drops records; what had been settled is counted, what a writer left unfinished just vanishes. */
  drop(entries: readonly ResourceEntry[], kind: 'released' | 'evicted'): Released {
    const settled = entries.filter((entry) => entry.settled);
    for (const { record } of entries) {
      this.data.resources.delete(record.id);
      if (!record.freed) this.data.hold(record.sessionId, -1, -record.sizeBytes);
    }
    for (const { record } of settled) {
      this.#count(record, 1, record.sizeBytes, Number(kind === 'evicted'));
    }
    return {
      resources: settled.length,
      bytes: settled.reduce((sum, { record }) => sum + record.sizeBytes, 0),
    };
  }

  /** Voids the uses of a process that is no more, and frees what it was writing and its streams to be claimed. */
  abandon(processId: string): void {
    for (const entry of this.data.resources.values()) {
      const uses = entry.uses.get(processId) ?? 0;
      entry.uses.delete(processId);
      if (uses > 0) entry.record = { ...entry.record, uses: entry.record.uses - uses };
      if (entry.record.processId === processId && entry.record.state !== 'releasing')
        this.#leave(entry, false);
    }
  }

  /** Lets a resource go for whoever may delete it, at once as far as its session is concerned. */
  #leave(entry: ResourceEntry, isEviction: boolean): ResourceRecord {
    const { sessionId, sizeBytes } = entry.record;
    this.data.hold(sessionId, -1, -sizeBytes);
    if (isEviction) this.#count(entry.record, 0, 0, 1);
    mark(entry, 0);
    entry.record = { ...entry.record, freed: true };
    return entry.record;
  }

  #count({ type }: ResourceRecord, released: number, releasedBytes: number, evicted: number): void {
    const known = this.data.types.get(type) ?? { released: 0, releasedBytes: 0, evicted: 0 };
    this.data.types.set(type, {
      released: known.released + released,
      releasedBytes: known.releasedBytes + releasedBytes,
      evicted: known.evicted + evicted,
    });
  }
}

function isEvictable(resource: ResourceRecord, victim: Victim): boolean {
  return resource.state === 'ready' && !isInUse(resource) && resource.lastUsedAt === victim.lastUsedAt;
}

function mark(entry: ResourceEntry, leasedUntil: number): ResourceRecord {
  entry.record = { ...entry.record, state: 'releasing' };
  entry.leasedUntil = leasedUntil;
  return entry.record;
}
