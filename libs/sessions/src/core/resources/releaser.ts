import { hasCode } from '../../domain/errors.js';
import { STREAM_TYPE, type ResourceRecord } from '../../domain/resource.js';
import type { Victim } from '../../ports/session-store.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';

type Identified = Pick<ResourceRecord, 'id'>;

/** Releases single resources: on request, as evictions, or because writing them failed. */
export class Releaser {
  /** Releases that the store could not record: each cleanup retries them. */
  private readonly pendingReleases = new Map<string, Identified>();

  constructor(private readonly context: CoreContext) {}

  /** Releases resources in any state; answers how many this call released, not counting those already gone. */
  async release(resources: readonly Identified[]): Promise<number> {
    return this.begin(resources.map(asVictim), 'released');
  }

  /** Releases those that were not used since they were chosen. */
  async evict(victims: readonly ResourceRecord[]): Promise<number> {
    return this.begin(victims, 'evicted');
  }

  /** Releases a closed stream or a failed write. Never rejects: the next cleanup retries what fails. */
  async abandon(resource: Identified): Promise<void> {
    try {
      await this.begin([asVictim(resource)], 'released');
      this.pendingReleases.delete(resource.id);
    } catch (error) {
      this.pendingReleases.set(resource.id, resource);
      this.context.log.warn(
        `Releasing resource ${resource.id} failed, the next cleanup retries: ${describeError(error)}`,
      );
    }
  }

  /** Retries the releases that failed. */
  async abandonPending(): Promise<void> {
    for (const resource of this.pendingReleases.values()) await this.abandon(resource);
  }

  /** Deletes the files of marked resources, then drops their records. Tries all, then rejects with the first failure. */
  async finish(marked: readonly ResourceRecord[], kind: 'released' | 'evicted' = 'released'): Promise<void> {
    const outcomes = await Promise.allSettled(marked.map((resource) => this.deleteFile(resource)));
    const deleted = marked.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    if (deleted.length > 0)
      await this.context.store.releases.finishRelease(
        deleted.map(({ id }) => id),
        kind,
      );
    for (const resource of deleted) this.emitReleased(resource, kind);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) throw failure.reason;
  }

  private async begin(victims: readonly Victim[], kind: 'released' | 'evicted'): Promise<number> {
    const { store, thisProcess } = this.context;
    const lease = thisProcess.lease();
    const marked = await store.releases.beginRelease(victims, lease, kind === 'evicted' ? 'unused' : 'any');
    // A `freed` file is on another node, which deletes it and emits the release.
    for (const resource of marked) if (resource.freed && kind === 'evicted') this.emitEvicted(resource);
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

  private emitReleased(resource: ResourceRecord, kind: 'released' | 'evicted'): void {
    if (kind === 'evicted') this.emitEvicted(resource);
    this.context.events.emit('resource.released', eventOf(resource));
  }

  private emitEvicted(resource: ResourceRecord): void {
    this.context.events.emit('resource.evicted', eventOf(resource));
  }
}

/** Stores ignore the last use of a victim unless it is evicted. */
function asVictim({ id }: Identified): Victim {
  return { id, lastUsedAt: 0 };
}

function eventOf({ id, sessionId, type, sizeBytes }: ResourceRecord) {
  return { sessionId, resourceId: id, type, sizeBytes };
}
