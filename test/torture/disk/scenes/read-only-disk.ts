import { join } from 'node:path';
import { filesIn, type Scene } from '../scene.ts';

/** Longer than any try of what failed is put off. */
const NEXT_TRY_MS = 61 * 60_000;

/** The disk of the files takes no more writes, as one does that the kernel has lost faith in. */
export async function readOnlyDisk(scene: Scene): Promise<void> {
  const root = scene.mounts.tmpfs(join(scene.folder, 'root'), 'size=32m');
  const options = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0, maxDurationSeconds: 86_400 };
  await scene.serve({ root, database: scene.place('database'), options }, async (server) => {
    const known = await scene.visitorWithFile(server);
    const leaving = await scene.visitorWithFile(server);
    scene.mounts.remount(root, 'ro');
    await scene.uploadsAreRefused(known.visitor);
    await scene.readsGoOn(server, known.visitor, known.file);
    await scene.isDown(server, /read_only/);
    const left = await leaving.visitor.leave();
    scene.holds(left === 200, `leaving was answered ${left}`);
    scene.holds((await leaving.visitor.download(leaving.file)) === 404, 'a file is there after its session');
    await server.cleanUp();
    scene.holds(filesIn(root).length === 2, 'a file is gone from a read-only disk');

    scene.mounts.remount(root, 'rw');
    server.advance(NEXT_TRY_MS);
    await scene.isBackAfterTwoCleanups(server);
    const files = filesIn(root).length;
    scene.holds(files === 1, `${files} files are left, not only that of the upload`);
  });
}
