import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FileKey } from '../../ports/storage/file-storage.js';
import type { Claim, ClaimEntry, Claims, StoredBytes } from '../../ports/storage/ways-out.js';
import { beingClaimed, claimTargetOf, fileExists, giveName, goneBeforeClaim } from '../claim-target.js';
import { copyFile } from '../copying.js';
import { syncFolder } from '../durable.js';
import { statOrNull, unlinkIfThere } from '../names.js';
import { translateErrors } from '../storage-error.js';

const CLAIMED_MODE = 0o600;

/** Claims files of the memory by writing them. What a crash leaves of a claim stays: the memory is gone with it. */
export class MemoryClaims implements Claims {
  /** The ids of the resources being claimed. */
  private readonly underWay = new Set<string>();

  constructor(private readonly claimTo?: readonly string[]) {}

  prepare(source: StoredBytes, key: FileKey, path: string): Promise<Claim> {
    return translateErrors(async () => {
      const { folder, name } = await claimTargetOf(path, this.claimTo);
      const target = join(folder, name);
      const draft = join(folder, `.${randomBytes(16).toString('hex')}.claim`);
      if (await statOrNull(target)) throw fileExists();
      if (this.underWay.has(key.resourceId)) throw beingClaimed();
      this.underWay.add(key.resourceId);
      const end = async (): Promise<void> => {
        this.underWay.delete(key.resourceId);
        await unlinkIfThere(draft);
      };
      try {
        if (!(await copyFile(source, key, draft, CLAIMED_MODE))) throw goneBeforeClaim();
        await syncFolder(folder);
      } catch (error) {
        await end().catch(() => undefined);
        throw error;
      }
      return {
        place: () =>
          translateErrors(async () => {
            await giveName(draft, target);
            await syncFolder(folder);
          }),
        complete: () => translateErrors(end),
        abort: () => translateErrors(end),
      };
    });
  }

  async list(): Promise<ClaimEntry[]> {
    return [];
  }

  async resume(): Promise<null> {
    return null;
  }
}
