import type { ClockAnchor, ClockReading } from '../../ports/clock.js';
import type { Heartbeat, JobRecord, JobRun, StoreTotals } from '../../ports/session-store.js';
import type { MemoryData } from './memory.data.js';
import type { MemoryReleases } from './memory.releases.js';

/** The processes on this store, their clock, what their cleanup jobs did, and the totals. */
export class MemoryFleet {
  constructor(
    private readonly data: MemoryData,
    private readonly releases: MemoryReleases,
  ) {}

  anchorClock(reading: ClockReading): ClockAnchor {
    if (this.data.anchor?.bootId !== reading.bootId) {
      this.data.anchor = { ...reading, lastSeenAt: this.data.seenAt };
    }
    return this.data.anchor;
  }

  heartbeat(beat: Heartbeat): void {
    const known = this.data.processes.get(beat.processId) ?? beat;
    this.data.processes.set(beat.processId, {
      ...beat,
      at: Math.max(known.at, beat.at),
      flushedThroughAt: Math.max(known.flushedThroughAt, beat.flushedThroughAt),
    });
    this.data.see(beat.at);
    const node = this.data.nodes.get(beat.nodeId);
    this.data.nodes.set(beat.nodeId, {
      nodeId: beat.nodeId,
      address: beat.role === 'server' ? beat.address : (node?.address ?? null),
      lastSeenAt: Math.max(node?.lastSeenAt ?? beat.at, beat.at),
    });
  }

  listProcesses(): Heartbeat[] {
    return [...this.data.processes.values()].toSorted((a, b) => (a.processId < b.processId ? -1 : 1));
  }

  dropProcess(processId: string, silentSince: number): boolean {
    const beat = this.data.processes.get(processId);
    if (beat === undefined || beat.at > silentSince) return false;
    this.data.processes.delete(processId);
    this.releases.abandon(processId);
    return true;
  }

  recordRun(run: JobRun): void {
    const known = this.data.jobs.get(run.job);
    this.data.jobs.set(run.job, {
      ...run,
      runs: (known?.runs ?? 0) + 1,
      totalItems: (known?.totalItems ?? 0) + run.items,
      totalFailures: (known?.totalFailures ?? 0) + run.failures,
      lastSuccessAt: run.failures === 0 ? run.startedAt + run.durationMs : (known?.lastSuccessAt ?? null),
    });
  }

  listRuns(): JobRecord[] {
    return [...this.data.jobs.values()].toSorted((a, b) => (a.job < b.job ? -1 : 1));
  }

  totals(): StoreTotals {
    const { created, ended, endedDurationMs, types } = this.data;
    const held = [...this.data.resources.values()].map((entry) => entry.record);
    return {
      created,
      open: this.data.openCount,
      ending: this.data.sessionsIn('ending').length,
      ended: { ...ended },
      endedDurationMs,
      types: [...types.entries()]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([type, { released, releasedBytes, evicted }]) => {
          const active = held.filter((resource) => resource.type === type);
          const activeBytes = active.reduce((sum, resource) => sum + resource.sizeBytes, 0);
          return { type, active: active.length, activeBytes, released, releasedBytes, evicted };
        }),
    };
  }
}
