import type { NodeRecord, Released } from '../../ports/session-store.js';
import type { MemoryData } from './memory.data.js';
import type { MemoryEndings } from './memory.endings.js';
import type { MemoryReleases } from './memory.releases.js';

/** The nodes that files lie on. */
export class MemoryNodes {
  constructor(
    private readonly data: MemoryData,
    private readonly endings: MemoryEndings,
    private readonly releases: MemoryReleases,
  ) {}

  list(): NodeRecord[] {
    return [...this.data.nodes.values()]
      .map((node) => ({ ...node, resources: this.#heldBy(node.nodeId).length }))
      .toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  }

  forget(nodeId: string, silentSince: number, at: number): Released | null {
    const node = this.data.nodes.get(nodeId);
    if (node === undefined || node.lastSeenAt > silentSince) return null;
    this.data.nodes.delete(nodeId);
    const ends = this.data
      .sessionsIn('ending')
      .filter((entry) => entry.parts.has(nodeId))
      .map(({ record }) => this.endings.finishEnd(record.id, nodeId, at));
    const rest = this.releases.drop(this.#heldBy(nodeId), 'released');
    return [...ends, rest].reduce((sum, { resources, bytes }) => ({
      resources: sum.resources + resources,
      bytes: sum.bytes + bytes,
    }));
  }

  #heldBy(nodeId: string) {
    return [...this.data.resources.values()].filter(({ record }) => record.nodeId === nodeId);
  }
}
