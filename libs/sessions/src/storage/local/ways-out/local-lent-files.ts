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
import { unlinkIfThere } from '../files/file-removal.js';
import { AsyncFolder, STORED_MODE } from '../folders/async-folder.js';
import { parseTempName, tempName, type RootPaths } from '../folders/paths.js';
import { missingInRoot, translateErrors } from '../folders/storage-error.js';
import type { DiskRoom } from '../root/disk-room.js';
import type { RootGuard } from '../root/root-guard.js';
import { copyFile } from './copying.js';

/** Lends files as hard links in the folder `tmp`; as copies where links fail, or to root, who may write whatever the mode. */
export class LocalLentFiles implements LentFiles {
  constructor(
    private readonly paths: RootPaths,
    private readonly guard: RootGuard,
    private readonly room: DiskRoom,
  ) {}

  lend(source: StoredBytes, key: FileKey, { owner, extension }: LentName): Promise<LentFile | null> {
    return translateErrors(async () => {
      await this.guard.assertPresent();
      const name = tempName(owner, extension);
      const isLent = await AsyncFolder.within(this.paths.temp, missingInRoot('tmp'), async (folder) => {
        if (process.geteuid?.() !== 0 && (await source.link(key, folder.at(name)))) return true;
        await this.room.admit();
        return copyFile(source, key, folder.at(name), STORED_MODE);
      });
      return isLent
        ? { path: join(this.paths.temp, name), takeBack: () => this.remove({ owner, name }) }
        : null;
    });
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
