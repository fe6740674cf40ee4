import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { filesIn, type Scene } from '../scene.ts';
import type { ServerProcess } from '../server-process.ts';

/** What is put in the place of the root, which was moved `away`. */
const REPLACEMENTS: Readonly<Record<string, (root: string, away: string) => void>> = {
  nothing: () => undefined,
  'an empty folder': (root) => mkdirSync(root, { mode: 0o700 }),
  'a link to where it went': (root, away) => symlinkSync(away, root),
  'a link to itself': (root) => symlinkSync(root, root),
};
export const REPLACEMENT_NAMES = Object.keys(REPLACEMENTS);

const options = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 };

/** Another thing takes the place of the root, until it is put back. */
export async function replacedRoot(scene: Scene, replacement: string): Promise<void> {
  const root = scene.place('root');
  await scene.serve({ root, database: scene.place('database'), options }, async (server) => {
    const away = `${root}-away`;
    await whileLost(scene, server, root, {
      lose() {
        renameSync(root, away);
        REPLACEMENTS[replacement]?.(root, away);
      },
      bringBack() {
        rmSync(root, { recursive: true, force: true });
        renameSync(away, root);
      },
      whereItIs: away,
    });
  });
}

/** The disk of the root is taken away while the server runs, and comes back. */
export async function unmountedRoot(scene: Scene): Promise<void> {
  const image = join(scene.folder, 'image');
  const root = join(scene.folder, 'root');
  scene.mounts.ext4(image, root, 64 * 1024 * 1024);
  await scene.serve({ root, database: scene.place('database'), options }, async (server) => {
    await whileLost(scene, server, root, {
      lose: () => scene.mounts.unmount(root),
      bringBack() {
        scene.holds(readdirSync(root).length === 0, 'something was written below where the disk was mounted');
        scene.mounts.mountAgain(image, root);
      },
      whereItIs: null,
    });
  });
}

interface Loss {
  lose(): void;
  bringBack(): void;
  /** Where its files can be looked at meanwhile. */
  readonly whereItIs: string | null;
}

async function whileLost(scene: Scene, server: ServerProcess, root: string, loss: Loss): Promise<void> {
  const { visitor, file } = await scene.visitorWithFile(server);
  const leaving = await scene.visitorWithFile(server);
  const before = filesIn(root).length;
  loss.lose();
  await scene.uploadsAreRefused(visitor);
  await scene.requestsGoOn(server, visitor);
  await leaving.visitor.leave();
  await server.cleanUp(0);
  await server.cleanUp(0);
  await scene.isDown(server, /missing/);
  if (loss.whereItIs !== null) {
    scene.holds(
      filesIn(loss.whereItIs).length === before,
      'files were deleted that could not be told to be ours',
    );
  }
  loss.bringBack();
  server.advance(61 * 60_000);
  await scene.isBackAfterTwoCleanups(server);
  scene.holds((await visitor.download(file)) === 404, 'a file outlived its session');
}
