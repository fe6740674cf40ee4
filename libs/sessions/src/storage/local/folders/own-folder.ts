import type { BigIntStats } from 'node:fs';
import { AsyncFolder } from './async-folder.js';
import type { RootPaths } from './paths.js';

/** Whether the folder is our user's, and nothing that was mounted into the root, be it of the same disk. */
export async function isOwnFolder(paths: RootPaths, folder: AsyncFolder): Promise<boolean> {
  const stat = await folder.stat();
  if (!isOurs(stat)) return false;
  const isBelow = await AsyncFolder.use(
    paths.root,
    async (root) => (await root.stat()).dev === stat.dev && (await root.mount()) === (await folder.mount()),
  );
  return isBelow ?? false;
}

export function isOurs({ uid }: BigIntStats): boolean {
  return !process.geteuid || Number(uid) === process.geteuid();
}
