import { SessionsError } from '../../domain/errors.js';
import { packIds } from '../../domain/packed-ids.js';
import { fits, type ResourceLimits } from '../../domain/limits.js';
import { STREAM_TYPE, type NewResource, type ResourceRecord } from '../../domain/resource.js';
import type { Settled } from '../../ports/session-store.js';
import { byInstant, type MemoryData, type ResourceEntry } from './memory.data.js';

/** How a resource comes to be, and is used: `reserve → grow → settle → use`. */
export class MemoryResources {
  constructor(private readonly data: MemoryData) {}

  reserve(resource: NewResource, limits: ResourceLimits): 'reserved' | 'gone' | 'full' {
    const session = this.data.openSession(resource.sessionId);
    if (session === null) return 'gone';
    const known = this.data.resources.get(resource.id)?.record;
    if (known !== undefined) {
      return known.sessionId === resource.sessionId && known.state !== 'releasing' ? 'reserved' : 'gone';
    }
    if (!fits(session.record, 1, resource.sizeBytes, limits)) return 'full';
    const isStream = resource.type === STREAM_TYPE;
    this.data.resources.set(resource.id, {
      record: {
        ...resource,
        state: isStream ? 'ready' : 'writing',
        lastUsedAt: resource.createdAt,
        uses: 0,
        freed: false,
      },
      settled: isStream,
      leasedUntil: 0,
      uses: new Map(),
    });
    if (!this.data.types.has(resource.type)) {
      this.data.types.set(resource.type, { released: 0, releasedBytes: 0, evicted: 0 });
    }
    this.data.hold(resource.sessionId, 1, resource.sizeBytes);
    return 'reserved';
  }

  grow(resourceId: string, bytes: number, limits: ResourceLimits): 'grown' | 'gone' | 'full' {
    const entry = this.#ofOpenSession(resourceId);
    if (entry?.record.state !== 'writing') return 'gone';
    const session = this.data.openSession(entry.record.sessionId);
    if (session === null) return 'gone';
    if (!fits(session.record, 0, bytes, limits)) return 'full';
    entry.record = { ...entry.record, sizeBytes: entry.record.sizeBytes + bytes };
    this.data.hold(entry.record.sessionId, 0, bytes);
    return 'grown';
  }

  settle(resourceId: string, settled: Settled): ResourceRecord | null {
    const entry = this.#ofOpenSession(resourceId);
    if (entry === null || entry.record.state === 'releasing') return null;
    if (entry.record.state === 'ready') return entry.record;
    const surplus = entry.record.sizeBytes - settled.sizeBytes;
    if (surplus < 0) throw new SessionsError('INVALID_ARGUMENT', 'A resource holds no more than it reserved');
    entry.settled = true;
    entry.record = {
      ...entry.record,
      state: 'ready',
      sizeBytes: settled.sizeBytes,
      mediaType: settled.mediaType ?? entry.record.mediaType,
      processId: null,
      lastUsedAt: Math.max(entry.record.lastUsedAt, settled.at),
    };
    this.data.hold(entry.record.sessionId, 0, -surplus);
    return entry.record;
  }

  findResource(resourceId: string): ResourceRecord | null {
    return this.data.resources.get(resourceId)?.record ?? null;
  }

  listResources(sessionIds: readonly string[]): ResourceRecord[] {
    return [...new Set(sessionIds)]
      .flatMap((sessionId) => this.data.resourcesOf(sessionId))
      .map((entry) => entry.record)
      .toSorted(byInstant((resource) => resource.createdAt));
  }

  knownResources(sessionIds: readonly string[]): string[] {
    const bySession = Map.groupBy(this.data.resources.values(), ({ record }) => record.sessionId);
    return sessionIds.map((id) => packIds((bySession.get(id) ?? []).map(({ record }) => record.id)));
  }

  use(resourceId: string, processId: string, at: number): ResourceRecord | null {
    const entry = this.#ofOpenSession(resourceId);
    if (entry?.record.state !== 'ready') return null;
    entry.uses.set(processId, (entry.uses.get(processId) ?? 0) + 1);
    return this.#count(entry, 1, at);
  }

  unuse(resourceId: string, processId: string, at: number): void {
    const entry = this.data.resources.get(resourceId);
    const uses = entry?.uses.get(processId);
    if (entry === undefined || uses === undefined) return;
    if (uses === 1) entry.uses.delete(processId);
    else entry.uses.set(processId, uses - 1);
    this.#count(entry, -1, at);
  }

  #count(entry: ResourceEntry, uses: number, at: number): ResourceRecord {
    const { record } = entry;
    entry.record = { ...record, uses: record.uses + uses, lastUsedAt: Math.max(record.lastUsedAt, at) };
    return entry.record;
  }

  #ofOpenSession(resourceId: string): ResourceEntry | null {
    const entry = this.data.resources.get(resourceId);
    return entry !== undefined && this.data.openSession(entry.record.sessionId) !== null ? entry : null;
  }
}
