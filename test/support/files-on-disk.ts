import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Every file of a session that lies in the storage, those half written too; the trash is not counted. */
export async function filesOnDisk(storagePath: string): Promise<string[]> {
  const entries = await readdir(join(storagePath, 's'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
