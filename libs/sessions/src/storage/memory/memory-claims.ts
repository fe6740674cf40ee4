import { randomBytes } from 'node:crypto';
import { link, lstat, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileKey } from '../../ports/storage/file-storage.js';
import type { Claim, ClaimEntry, Claims, StoredBytes } from '../../ports/storage/ways-out.js';
import { beingClaimed, claimTargetOf, fileExists, goneBeforeClaim } from '../claim-target.js';

/** Claims files of the memory by writing them. What a crash leaves of a claim stays: the memory is gone with it. */
export class MemoryClaims implements Claims {
  /** The ids of the resources being claimed. */
  private readonly underWay = new Set<string>();

  constructor(private readonly claimTo?: readonly string[]) {}

  async prepare(source: StoredBytes, key: FileKey, path: string): Promise<Claim> {
    const { folder, name } = await claimTargetOf(path, this.claimTo);
    const target = join(folder, name);
    const draft = join(folder, `.${randomBytes(16).toString('hex')}.claim`);
    if (await exists(target)) throw fileExists();
    if (this.underWay.has(key.resourceId)) throw beingClaimed();
    this.underWay.add(key.resourceId);
    const end = async (): Promise<void> => {
      this.underWay.delete(key.resourceId);
      await rm(draft, { force: true });
    };
    try {
      const bytes = await source.read(key);
      if (!bytes) throw goneBeforeClaim();
      await writeFile(draft, bytes, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      await end();
      throw error;
    }
    const place = (): Promise<void> =>
      link(draft, target).catch((error: unknown) => {
        throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? fileExists(error) : error;
      });
    return { place, complete: end, abort: end };
  }

  async list(): Promise<ClaimEntry[]> {
    return [];
  }

  async resume(): Promise<null> {
    return null;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
