import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE } from './slim-plan.ts';

/** What a storage root may hold beside session folders. */
const ROOT_NAMES = new Set([
  '.nest-sessions.json',
  's',
  'trash',
  'beacons',
  'tmp',
  'claims',
  'ballast',
  '.gitignore',
  DATABASE,
  `${DATABASE}-wal`,
  `${DATABASE}-shm`,
]);

export interface FileOnDisk {
  readonly path: string;
  readonly sessionId: string;
  /** `null` where it is none of a finished file. */
  readonly resourceId: string | null;
  readonly sizeBytes: number;
}

export interface Disk {
  readonly files: readonly FileOnDisk[];
  /** Sessions that have a folder. */
  readonly folders: readonly string[];
  /** What no server would leave behind: names in the root and in the trash. */
  readonly litter: readonly string[];
  readonly ballast: boolean;
}

/** Everything in a storage root, read with nothing of the library. */
export function readDisk(root: string): Disk {
  const files: FileOnDisk[] = [];
  const folders: string[] = [];
  for (const shard of namesIn(join(root, 's'))) {
    for (const folder of namesIn(join(root, 's', shard))) {
      const sessionId = uuidOf(folder) ?? folder;
      folders.push(sessionId);
      for (const name of namesIn(join(root, 's', shard, folder))) {
        const path = join(root, 's', shard, folder, name);
        files.push({
          path,
          sessionId,
          resourceId: uuidOf(name.replace(/\.link$/, '')),
          sizeBytes: statSync(path).size,
        });
      }
    }
  }
  const litter = [
    ...namesIn(root).filter((name) => !ROOT_NAMES.has(name)),
    ...['trash', 'tmp', 'claims'].flatMap((folder) =>
      namesIn(join(root, folder)).map((name) => `${folder}/${name}`),
    ),
  ];
  return { files, folders, litter, ballast: existsSync(join(root, 'ballast')) };
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function uuidOf(hex: string): string | null {
  const match = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex);
  return match ? match.slice(1).join('-') : null;
}
