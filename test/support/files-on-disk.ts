import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Every file of a session that lies in the storage, those half written too; the trash is not counted. */
export function filesOnDisk(storagePath: string): Promise<string[]> {
  return filesBelow(join(storagePath, 's'));
}

/** Folders may go while this looks. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      return entry.isFile() ? [path] : [];
    }),
  );
  return found.flat();
}
