import { hasCode } from '../../domain/errors.js';
import { STREAM_TYPE, type ResourceRecord } from '../../domain/resource.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';

type Identified = Pick<ResourceRecord, 'id'>;

/** Releases single resources: on request, because they were evicted, or because bringing them failed. */
export class Releaser {
  /** Releases that the store could not record: each cleanup retries them. */
  private readonly pendingReleases = new Map<string, Identified>();

  constructor(private readonly context: CoreContext) {}

  /** Releases resources in any state; answers how many this call released, not counting those already gone. */
  async release(resources: readonly Identified[]): Promise<number> {
    const { store, thisProcess } = this.context;
    const ids = resources.map(({ id }) => id);
    const marked = await store.releases.beginRelease(ids, thisProcess.lease());
    await this.finish(marked.filter((resource) => this.isHere(resource)));
    return marked.length;
  }

  /** Releases a closed stream or a failed file. Never rejects: the next cleanup retries what fails. */
  async abandon(resource: Identified): Promise<void> {
    try {
      await this.release([resource]);
      this.pendingReleases.delete(resource.id);
    } catch (error) {
      this.pendingReleases.set(resource.id, resource);
      this.context.failures.note(
        'Failed releases',
        `Releasing resource ${resource.id} failed, the next cleanup retries: ${describeError(error)}`,
        'warn',
      );
    }
  }

  /** Retries the releases that failed. */
  async abandonPending(): Promise<void> {
    for (const resource of this.pendingReleases.values()) await this.abandon(resource);
  }

  /** Deletes the files that an eviction marked. Never rejects: the store has evicted them, and cleanup deletes what is left. */
  async removeEvicted(victims: readonly ResourceRecord[]): Promise<void> {
    for (const victim of victims) this.context.events.emit('resource.evicted', eventOf(victim));
    try {
      await this.finish(victims.filter((victim) => this.isHere(victim)));
    } catch (error) {
      this.context.failures.note(
        'Failed deletions of evicted files',
        `Deleting an evicted file failed, cleanup retries: ${describeError(error)}`,
        'warn',
      );
    }
  }

  /** Deletes the files of marked resources, then drops their records. Tries all, then rejects with the first failure. */
  async finish(marked: readonly ResourceRecord[]): Promise<void> {
    const outcomes = await Promise.allSettled(marked.map((resource) => this.deleteFile(resource)));
    const deleted = marked.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    if (deleted.length > 0) await this.context.store.releases.finishRelease(deleted.map(({ id }) => id));
    for (const resource of deleted) this.context.events.emit('resource.released', eventOf(resource));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) throw failure.reason;
  }

  /** A file of another node is deleted by that node, which also emits the release. */
  private isHere({ nodeId }: ResourceRecord): boolean {
    return nodeId === null || nodeId === this.context.thisProcess.nodeId;
  }

  private async deleteFile({ type, sessionId, id }: ResourceRecord): Promise<void> {
    if (type === STREAM_TYPE) return;
    try {
      await this.context.storage.remove({ sessionId, resourceId: id });
    } catch (error) {
      if (!hasCode(error, 'SESSION_GONE')) throw error;
    }
  }
}

function eventOf({ id, sessionId, type, sizeBytes }: ResourceRecord) {
  return { sessionId, resourceId: id, type, sizeBytes };
}
