import type { ResourceRecord } from '../../domain/resource.js';
import type { Claim, ClaimEntry } from '../../ports/storage/ways-out.js';
import type { CoreContext } from '../process/context.js';
import { keyOf } from '../resources/file-writing.js';
import type { Resources } from '../resources/resources.js';
import { describeError } from '../watch/log.js';
import type { FileUses, ResourceRef } from './file-uses.js';

type Identified = Pick<ResourceRecord, 'id'>;

/**
 * Moves files out of their sessions. A file is out from the moment that it has its new path: whatever happens after that only removes it
 * from the session, here or by the cleanup after a crash.
 */
export class FileClaiming {
  /** Claimed files that the store could not release: each cleanup retries them. */
  private readonly pending = new Map<string, Claim>();

  constructor(
    private readonly context: CoreContext,
    private readonly parts: { readonly uses: FileUses; readonly resources: Resources },
  ) {}

  async claim(resource: ResourceRef, path: string): Promise<void> {
    const { uses } = this.parts;
    const session = await uses.sessionOf(resource);
    // It has nothing to close: each step asks whether it was cut off.
    const live = this.context.connections.add(session, { close: () => {} });
    try {
      const use = await uses.beginRecorded(resource.id, session);
      try {
        const claim = await this.prepare(use.file, path);
        try {
          // A copy takes its time, and other processes may end the session.
          await uses.requireReadable(use.file.id, session);
          live.requireOpen();
          await claim.place();
        } catch (error) {
          await this.abort(claim);
          throw error;
        }
        await this.release(use.file, claim);
      } finally {
        await use.end();
      }
    } finally {
      live.remove();
    }
  }

  /** Finishes the claim of a dead process. */
  async resume(entry: ClaimEntry): Promise<void> {
    const { storage, storageRoot } = this.context;
    const claim = await storageRoot.claims.resume(entry);
    if (!claim) return;
    await this.parts.resources.release({ id: entry.resourceId });
    // After a power cut it may be there again, though the store has no record of it.
    await storage.remove(entry);
    await claim.complete();
  }

  /** Retries the releases that failed. Never rejects. */
  async finishPending(): Promise<void> {
    for (const [id, claim] of this.pending) await this.release({ id }, claim);
  }

  private prepare(file: ResourceRecord, path: string): Promise<Claim> {
    const { storage, storageRoot, thisProcess } = this.context;
    return storageRoot.claims.prepare(storage, keyOf(file), path, thisProcess.id);
  }

  private async release(file: Identified, claim: Claim): Promise<void> {
    try {
      await this.finish(file, claim);
      this.pending.delete(file.id);
    } catch (error) {
      this.pending.set(file.id, claim);
      this.context.failures.note(
        'Failed releases of claimed files',
        `Releasing the claimed resource ${file.id} failed, the next cleanup retries: ${describeError(error)}`,
        'warn',
      );
    }
  }

  private async finish(file: Identified, claim: Claim): Promise<void> {
    await this.parts.resources.release(file);
    await claim.complete();
  }

  private async abort(claim: Claim): Promise<void> {
    await claim.abort().catch((error: unknown) => {
      this.context.failures.note(
        'Failed aborts of claims',
        `Undoing a claim failed, a cleanup after this process exits retries: ${describeError(error)}`,
        'warn',
      );
    });
  }
}
