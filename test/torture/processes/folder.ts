import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { entriesBelow, pathOf } from '../../support/files-on-disk.ts';

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
  return ['s', 'trash'].flatMap((folder) => entriesBelow(join(root, folder)).map(pathOf));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
