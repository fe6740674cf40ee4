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
      marked.push(mark(entry, lease.until));
    }
    return marked;
  }

  claimReleasing(claim: Claim): ResourceRecord[] {
    return [...this.data.resources.values()]
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
      this.data.hold(record.sessionId, -1, -record.sizeBytes);
    }
    for (const { record } of settled) {
      const type = this.data.types.get(record.type) ?? { released: 0, releasedBytes: 0, evicted: 0 };
      this.data.types.set(record.type, {
        released: type.released + 1,
        releasedBytes: type.releasedBytes + record.sizeBytes,
        evicted: type.evicted + Number(kind === 'evicted'),
      });
    }
    return {
      resources: settled.length,
      bytes: settled.reduce((sum, { record }) => sum + record.sizeBytes, 0),
    };
  }

  /** Voids the uses of a process that is no more, and frees what it was writing and its streams to be claimed. */
  abandon(instanceId: string): void {
    for (const entry of this.data.resources.values()) {
      const uses = entry.uses.get(instanceId) ?? 0;
      entry.uses.delete(instanceId);
      if (uses > 0) entry.record = { ...entry.record, uses: entry.record.uses - uses };
      if (entry.record.instanceId === instanceId && entry.record.state !== 'releasing') mark(entry, 0);
    }
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
