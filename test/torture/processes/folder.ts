import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface FileOnDisk {
  readonly name: string;
  readonly bytes: number;
  readonly inode: number;
}

export function folderOf(root: string, sessionId: string): string {
  const hex = sessionId.replaceAll('-', '');
  return join(root, 's', hex.slice(0, 2), hex);
}

/** The files of one session's folder; none where there is no such folder. */
export function filesIn(folder: string): FileOnDisk[] {
  return namesIn(folder).flatMap((name) => {
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    return stat ? [{ name, bytes: stat.size, inode: stat.ino }] : [];
  });
}

/** Every file below the folders of sessions and the trash. */
export function allFiles(root: string): string[] {
  return ['s', 'trash'].flatMap((folder) => filesBelow(join(root, folder)));
}

/** Whatever is no folder below this one. Folders may go while this looks. */
export function filesBelow(folder: string): string[] {
  return namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return [];
    return stat.isDirectory() ? filesBelow(path) : [path];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
