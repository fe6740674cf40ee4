import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileKey } from '../../ports/storage/file-storage.js';
import type { LentEntry, LentFile, LentFiles, LentName, StoredBytes } from '../../ports/storage/ways-out.js';

/** Lends files of the memory as copies, each in a new folder for temporary files. */
export class MemoryLentFiles implements LentFiles {
  async lend(source: StoredBytes, key: FileKey, { extension }: LentName): Promise<LentFile | null> {
    const bytes = await source.read(key);
    if (!bytes) return null;
    const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    const takeBack = (): Promise<void> => rm(folder, { recursive: true, force: true });
    const path = join(folder, `file.${extension}`);
    try {
      await writeFile(path, bytes, { flag: 'wx', mode: 0o400 });
    } catch (error) {
      await takeBack();
      throw error;
    }
    return { path, takeBack };
  }

  async list(): Promise<LentEntry[]> {
    return [];
  }

  async remove(): Promise<void> {}
}
