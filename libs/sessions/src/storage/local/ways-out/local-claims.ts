import type { FileKey } from '../../../ports/storage/file-storage.js';
import type { Claim, ClaimEntry, Claims, StoredBytes } from '../../../ports/storage/ways-out.js';
import { claimTargetOf } from '../../claim-target.js';
import { checkKey, claimDraftName, type RootPaths } from '../folders/paths.js';
import { translateErrors } from '../../storage-error.js';
import type { RootGuard } from '../root/root-guard.js';
import { ClaimNotes } from './claim-notes.js';
import { LocalClaim } from './local-claim.js';

/** Claims files to folders of this machine, on any of its file systems that has hard links. */
export class LocalClaims implements Claims {
  private readonly notes: ClaimNotes;

  constructor(
    private readonly paths: RootPaths,
    private readonly guard: RootGuard,
    private readonly claimTo: readonly string[],
  ) {
    this.notes = new ClaimNotes(paths);
  }

  prepare(source: StoredBytes, key: FileKey, path: string, owner: string): Promise<Claim> {
    return translateErrors(async () => {
      const { sessionId, resourceId } = key;
      checkKey(key);
      await this.guard.assertPresent();
      const target = await claimTargetOf(path, this.claimTo, this.paths.root);
      const note = { sessionId, resourceId, owner, ...target, draft: claimDraftName() };
      const claim = new LocalClaim(this.notes, note);
      await claim.prepare(source);
      return claim;
    });
  }

  list(): Promise<ClaimEntry[]> {
    return translateErrors(async () => {
      if (!(await this.guard.look()).present) return [];
      const notes = await this.notes.list();
      return notes.map(({ sessionId, resourceId, owner }) => ({ sessionId, resourceId, owner }));
    });
  }

  resume({ resourceId, owner }: ClaimEntry): Promise<Claim | null> {
    return translateErrors(async () => {
      await this.guard.assertPresent();
      const note = await this.notes.find(resourceId);
      if (note?.owner !== owner) return null;
      const claim = new LocalClaim(this.notes, note);
      if (await claim.isPlaced()) return claim;
      await claim.abort();
      return null;
    });
  }
}
