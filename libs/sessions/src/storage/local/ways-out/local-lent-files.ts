import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileKey } from '../../../ports/storage/file-storage.js';
import type {
  LentEntry,
  LentFile,
  LentFiles,
  LentName,
  StoredBytes,
} from '../../../ports/storage/ways-out.js';
import { copyFile } from '../../copying.js';
import { linkAgain, statOrNull, unlinkIfThere } from '../../names.js';
import { backdate, SharedLends, type LentPaths } from '../../shared-lends.js';
import { AsyncFolder, STORED_MODE } from '../folders/async-folder.js';
import { parseTempName, tempName, type RootPaths } from '../folders/paths.js';
import { missingInRoot, translateErrors } from '../../storage-error.js';
import type { DiskRoom } from '../root/disk-room.js';
import type { RootGuard } from '../root/root-guard.js';

/**
 * Lends files as hard links in the folder `tmp`; as copies where links fail, or to root, who may write whatever the mode. Those who borrow
 * a file at one time share its copy.
 */
export class LocalLentFiles implements LentFiles {
  private readonly shared = new SharedLends();

  constructor(
    private readonly paths: RootPaths,
    private readonly guard: RootGuard,
    private readonly room: DiskRoom,
  ) {}

  lend(source: StoredBytes, key: FileKey, name: LentName): Promise<LentFile | null> {
    return translateErrors(async () => {
      await this.guard.assertPresent();
      const lent = await this.shared.lend(`${name.owner}/${key.resourceId}`, this.namesOf(source, key, name));
      return (
        lent && {
          path: join(this.paths.temp, lent.path),
          takeBack: () => translateErrors(() => lent.takeBack()),
        }
      );
    });
  }

  /** The names in `tmp`, instead of paths: they are reached through the open folder. */
  private namesOf(source: StoredBytes, key: FileKey, { owner, extension }: LentName): LentPaths {
    const inTemp = <T>(work: (folder: AsyncFolder) => Promise<T>): Promise<T> =>
      AsyncFolder.within(this.paths.temp, missingInRoot('tmp'), work);
    return {
      first: () =>
        inTemp(async (folder) => {
          const name = tempName(owner, extension);
          return (await this.make(source, key, folder.at(name))) ? name : null;
        }),
      another: (name) =>
        inTemp(async (folder) => {
          const further = tempName(owner, extension);
          const outcome = await linkAgain(folder.at(name), folder.at(further));
          return { made: further, missing: null, impossible: name }[outcome];
        }),
      find: (name) => inTemp((folder) => statOrNull(folder.at(name))),
      remove: (name) => this.remove({ owner, name }),
    };
  }

  private async make(source: StoredBytes, key: FileKey, path: string): Promise<boolean> {
    if (process.geteuid?.() !== 0 && (await source.link(key, path))) return true;
    await this.room.admit();
    if (!(await copyFile(source, key, path, STORED_MODE))) return false;
    try {
      await backdate(path);
      return true;
    } catch (error) {
      await unlinkIfThere(path);
      throw error;
    }
  }

  list(): Promise<LentEntry[]> {
    return translateErrors(async () => {
      if (!(await this.guard.look()).present) return [];
      const names = await AsyncFolder.use(this.paths.temp, (folder) => readdir(folder.base));
      return (names ?? []).flatMap((name) => {
        const owner = parseTempName(name);
        return owner === null ? [] : [{ owner, name }];
      });
    });
  }

  remove({ name }: LentEntry): Promise<void> {
    return translateErrors(async () => {
      if (parseTempName(name) === null) return;
      await AsyncFolder.use(this.paths.temp, (folder) => unlinkIfThere(folder.at(name)));
    });
  }
}
