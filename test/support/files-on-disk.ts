import { existsSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

/** Every file of a session that lies in the storage, those half written too; the trash is not counted. */
export async function filesOnDisk(storagePath: string): Promise<string[]> {
  const folder = join(storagePath, 's');
  if (!existsSync(folder)) return [];
  return entriesBelow(folder)
    .filter((entry) => entry.isFile())
    .map(pathOf);
}

/** Whatever is no folder below this one, which must be there. The folders in it may go while this looks. */
export function entriesBelow(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? entriesIn(pathOf(entry)) : [entry],
  );
}

export function pathOf({ parentPath, name }: Dirent): string {
  return join(parentPath, name);
}

function entriesIn(folder: string): Dirent[] {
  try {
    return entriesBelow(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
