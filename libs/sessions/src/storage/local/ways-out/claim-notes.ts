import { link, readFile, readdir, rename } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { isUuid } from '../../../domain/ids.js';
import type { ClaimEntry } from '../../../ports/storage/ways-out.js';
import { beingClaimed, type ClaimTarget } from '../../claim-target.js';
import { unlinkIfThere } from '../../names.js';
import { writeNew } from '../../new-file.js';
import { AsyncFolder, FILE_MODE } from '../folders/async-folder.js';
import { fileName, isClaimDraftName, tempName, type RootPaths } from '../folders/paths.js';
import { isAbsence, isSystemError, missingInRoot } from '../../storage-error.js';

/** What a claim is about to do, for whoever finishes it after a crash. */
export interface ClaimNote extends ClaimEntry, ClaimTarget {
  /** The hidden name of the whole file in the target folder. */
  readonly draft: string;
  /** Whether the file is known to have its name: it may have been moved on since. */
  readonly isPlaced?: boolean;
}

/** The notes of all claims under way: one file each in the folder `claims`, named by its resource, so that a file has one claim at most. */
export class ClaimNotes {
  constructor(private readonly paths: RootPaths) {}

  /** Writes the note, durably and in one step. Rejects with `RESOURCES_IN_USE` if the resource has one. */
  async write(note: ClaimNote): Promise<void> {
    await this.put(note, async (temp, name) => {
      try {
        await link(temp, name);
      } catch (error) {
        throw isSystemError(error, 'EEXIST') ? beingClaimed() : error;
      }
    });
  }

  /** The same in place of the note that the resource has. */
  async rewrite(note: ClaimNote): Promise<void> {
    await this.put(note, rename);
  }

  private async put(note: ClaimNote, give: (temp: string, name: string) => Promise<void>): Promise<void> {
    const temp = tempName(note.owner, 'note');
    await AsyncFolder.within(this.paths.temp, missingInRoot('tmp'), (from) =>
      AsyncFolder.within(this.paths.claims, missingInRoot('claims'), async (into) => {
        try {
          await writeNew(from.at(temp), JSON.stringify(note), FILE_MODE);
          await give(from.at(temp), into.at(fileName(note.resourceId)));
        } finally {
          await unlinkIfThere(from.at(temp));
        }
        await into.sync();
      }),
    );
  }

  async list(): Promise<ClaimNote[]> {
    const notes = await AsyncFolder.use(this.paths.claims, async (folder) => {
      const names = await readdir(folder.base);
      return Promise.all(names.map((name) => readNote(folder, name)));
    });
    return (notes ?? []).filter((note) => note !== null);
  }

  async find(resourceId: string): Promise<ClaimNote | null> {
    return AsyncFolder.use(this.paths.claims, (folder) => readNote(folder, fileName(resourceId)));
  }

  /** Removes the note, unless a later claim of the same resource has replaced it. */
  async remove({ resourceId, draft }: ClaimNote): Promise<void> {
    await AsyncFolder.use(this.paths.claims, async (folder) => {
      const name = fileName(resourceId);
      if ((await readNote(folder, name))?.draft === draft) await unlinkIfThere(folder.at(name));
    });
  }
}

/** `null` for what is missing, or not a note of ours: its paths are used only if each is of the form that we write. */
async function readNote(folder: AsyncFolder, name: string): Promise<ClaimNote | null> {
  try {
    const note: unknown = JSON.parse(await readFile(folder.at(name), 'utf8'));
    return isNote(note) && fileName(note.resourceId) === name ? note : null;
  } catch (error) {
    if (isAbsence(error) || isSystemError(error, 'EISDIR') || error instanceof SyntaxError) return null;
    throw error;
  }
}

function isNote(value: unknown): value is ClaimNote {
  if (typeof value !== 'object' || value === null) return false;
  const { resourceId, sessionId, owner, folder, name, draft } = value as Record<string, unknown>;
  const texts = [folder, name, draft].every((text) => typeof text === 'string');
  if (!texts || ![resourceId, sessionId, owner].every((id) => typeof id === 'string' && isUuid(id)))
    return false;
  return isAbsolute(String(folder)) && !/[/\0]/.test(String(name)) && isClaimDraftName(String(draft));
}
