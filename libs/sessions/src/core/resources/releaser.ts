import { hasCode } from '../../domain/errors.js';
import { STREAM_TYPE, type ResourceRecord } from '../../domain/resource.js';
import type { Victim } from '../../ports/session-store.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';

type Identified = Pick<ResourceRecord, 'id'>;

/** For so long the process that began to release something is left to finish it. */
export const RELEASE_LEASE_MS = 60_000;

/** Lets single resources go: on request, to make room, or because their writing failed. */
export class Releaser {
  /** Released here, but the store could not be told: said again with each cleanup. */
  private readonly pendingReleases = new Map<string, Identified>();

  constructor(private readonly context: CoreContext) {}

  /** Releases resources whatever their state; how many this call let go. Those that are gone already count for nothing. */
  async release(resources: readonly Identified[]): Promise<number> {
    return this.letGo(resources.map(anyhow), 'released');
  }

  /** Releases those that are still unused as they were when they were chosen. */
  async evict(victims: readonly ResourceRecord[]): Promise<number> {
    return this.letGo(victims, 'evicted');
  }

  /** Releases what failed while it was written; never rejects: what cannot be done now is done by a cleanup. */
  async abandon(resource: Identified): Promise<void> {
    try {
      await this.letGo([anyhow(resource)], 'released');
      this.pendingReleases.delete(resource.id);
    } catch (error) {
      this.pendingReleases.set(resource.id, resource);
      this.context.log.warn(`Resource ${resource.id} waits for a cleanup: ${describeError(error)}`);
    }
  }

  /** Says again what could not be said. */
  async abandonPending(): Promise<void> {
    for (const resource of this.pendingReleases.values()) await this.abandon(resource);
  }

  /** Finishes releases that were begun: deletes the files, then drops the records. Rejects with the first failure. */
  async finish(marked: readonly ResourceRecord[], kind: 'released' | 'evicted' = 'released'): Promise<void> {
    const outcomes = await Promise.allSettled(marked.map((resource) => this.deleteFile(resource)));
    const deleted = marked.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    if (deleted.length > 0)
      await this.context.store.releases.finishRelease(
        deleted.map(({ id }) => id),
        kind,
      );
    for (const resource of deleted) this.tell(resource, kind);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) throw failure.reason;
  }

  private async letGo(victims: readonly Victim[], kind: 'released' | 'evicted'): Promise<number> {
    const { store, thisProcess } = this.context;
    const lease = thisProcess.lease(RELEASE_LEASE_MS);
    const marked = await store.releases.beginRelease(victims, lease, kind === 'evicted' ? 'unused' : 'any');
    // What lies on another node is deleted by that one, and told by it then.
    for (const resource of marked) if (resource.freed && kind === 'evicted') this.tellEvicted(resource);
    await this.finish(
      marked.filter((resource) => !resource.freed),
      kind,
    );
    return marked.length;
  }

  private async deleteFile({ type, sessionId, id }: ResourceRecord): Promise<void> {
    if (type === STREAM_TYPE) return;
    try {
      await this.context.storage.remove({ sessionId, resourceId: id });
    } catch (error) {
      if (!hasCode(error, 'SESSION_GONE')) throw error;
    }
  }

  private tell(resource: ResourceRecord, kind: 'released' | 'evicted'): void {
    if (kind === 'evicted') this.tellEvicted(resource);
    this.context.events.emit('resource.released', eventOf(resource));
  }

  private tellEvicted(resource: ResourceRecord): void {
    this.context.events.emit('resource.evicted', eventOf(resource));
  }
}

/** A release asks for no state: when it was last used does not matter. */
function anyhow({ id }: Identified): Victim {
  return { id, lastUsedAt: 0 };
}

function eventOf({ id, sessionId, type, sizeBytes }: ResourceRecord) {
  return { sessionId, resourceId: id, type, sizeBytes };
}
