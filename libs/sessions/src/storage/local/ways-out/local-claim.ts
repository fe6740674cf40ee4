import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { SessionsError } from '../../../domain/errors.js';
import type { Claim, StoredBytes } from '../../../ports/storage/ways-out.js';
import { fileExists, giveName, goneBeforeClaim } from '../../claim-target.js';
import { copyFile } from '../../copying.js';
import { statOrNull, unlinkIfThere } from '../../names.js';
import { AsyncFolder, FILE_MODE } from '../folders/async-folder.js';
import { isAbsence, translateErrors, unavailable } from '../../storage-error.js';
import type { ClaimNote, ClaimNotes } from './claim-notes.js';

const OPEN_DRAFT = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Moves a file in steps, each durable before the next: note → hidden draft in the target folder, a link or a copy → link from the draft to
 * the name, mode → the note says so → (the storage removes its file) → draft and note go. Until the note says so, a draft with the name's
 * inode shows that the name was given.
 */
export class LocalClaim implements Claim {
  constructor(
    private readonly notes: ClaimNotes,
    private note: ClaimNote,
  ) {}

  async prepare(source: StoredBytes): Promise<void> {
    await this.inFolder(async (folder) => {
      if (await statOrNull(folder.at(this.note.name))) throw fileExists();
      await this.notes.write(this.note);
      try {
        const draft = folder.at(this.note.draft);
        const isThere =
          (await source.link(this.note, draft)) || (await copyFile(source, this.note, draft, FILE_MODE));
        if (!isThere) throw goneBeforeClaim();
        await folder.sync();
      } catch (error) {
        await this.abort().catch(() => undefined);
        throw error;
      }
    });
  }

  place(): Promise<void> {
    return translateErrors(() =>
      this.inFolder(async (folder) => {
        await giveName(folder.at(this.note.draft), folder.at(this.note.name));
        await folder.sync();
        await this.noteName(folder).catch(() => undefined);
      }),
    );
  }

  complete(): Promise<void> {
    return translateErrors(async () => {
      await AsyncFolder.use(this.note.folder, async (folder) => {
        // Once that was done it may have another mode, of the application's choice.
        if (!this.note.isPlaced) await setMode(folder.at(this.note.draft));
        await unlinkIfThere(folder.at(this.note.draft));
        await folder.sync();
      });
      await this.notes.remove(this.note);
    });
  }

  abort(): Promise<void> {
    return translateErrors(async () => {
      await AsyncFolder.use(this.note.folder, async (folder) => {
        await unlinkIfThere(folder.at(this.note.draft));
        // On another disk it might come back after a power cut, and nobody would know of it without the note.
        await folder.sync();
      });
      await this.notes.remove(this.note);
    });
  }

  /** Whether the file got its name. */
  async isPlaced(): Promise<boolean> {
    if (this.note.isPlaced) return true;
    const placed = await AsyncFolder.use(this.note.folder, async (folder) => {
      const draft = await statOrNull(folder.at(this.note.draft));
      const named = await statOrNull(folder.at(this.note.name));
      return draft !== null && named !== null && draft.dev === named.dev && draft.ino === named.ino;
    });
    return placed ?? false;
  }

  /** The application may move the file from now on, and the store be away for long. Whoever finds it not noted looks at the name. */
  private async noteName(folder: AsyncFolder): Promise<void> {
    await setMode(folder.at(this.note.draft));
    const placed = { ...this.note, isPlaced: true };
    await this.notes.rewrite(placed);
    this.note = placed;
  }

  private inFolder<T>(work: (folder: AsyncFolder) => Promise<T>): Promise<T> {
    return AsyncFolder.within(this.note.folder, movedAway, work);
  }
}

function movedAway(): SessionsError {
  return unavailable('The folder of the claim was moved or removed meanwhile: try again.');
}

/** By the draft: whoever waited for the file may have moved it already. */
async function setMode(draft: string): Promise<void> {
  try {
    const handle = await open(draft, OPEN_DRAFT);
    try {
      await handle.chmod(FILE_MODE);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}
