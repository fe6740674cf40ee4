import { isOurs } from '../../names.js';
import { AsyncFolder } from './async-folder.js';
import type { RootPaths } from './paths.js';

/** Whether our user owns the folder and it is in the mount of the root, not only on the same disk. */
export async function isOwnFolder(paths: RootPaths, folder: AsyncFolder): Promise<boolean> {
  const stat = await folder.stat();
  if (!isOurs(stat)) return false;
  const isBelow = await AsyncFolder.use(
    paths.root,
    async (root) => (await root.stat()).dev === stat.dev && (await root.mount()) === (await folder.mount()),
  );
  return isBelow ?? false;
}
