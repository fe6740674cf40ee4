import { join } from 'node:path';
import { run } from '../mounts.ts';
import { filesIn, type Scene } from '../scene.ts';

const MIB = 1024 * 1024;
/** What the disk says it has, and what there is: writes beyond it fail as on a broken one. */
const [SAID, THERE] = [256 * MIB, 24 * MIB];
const BIG = new Uint8Array(8 * MIB).fill(9);
const UPLOADS = 6;

/** A disk that fails as it is written (EIO), until it is mended and mounted again. */
export async function failingDisk(scene: Scene): Promise<void> {
  const backing = scene.mounts.tmpfs(join(scene.folder, 'backing'), `size=${THERE}`);
  const image = join(backing, 'image');
  const root = join(scene.folder, 'root');
  scene.mounts.ext4(image, root, SAID);
  const options = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0, maxBytes: 200 * MIB };
  await scene.serve({ root, database: scene.place('database'), options }, async (server) => {
    const { visitor, file } = await scene.visitorWithFile(server);
    const statuses: number[] = [];
    for (let count = 0; count < UPLOADS; count += 1) statuses.push((await visitor.upload(BIG)).status);
    scene.note(`uploads to a failing disk were answered ${statuses.join(', ')}`);
    const refused = statuses.filter((status) => status !== 201);
    scene.holds(refused.length > 0, 'the disk never failed');
    scene.holds(
      refused.every((status) => status === 503 || status === 507),
      `uploads to a failing disk were answered ${refused.join(', ')}`,
    );
    await scene.requestsGoOn(server, visitor);

    scene.mounts.unmount(root);
    await scene.isDown(server, /missing/);
    scene.mounts.remount(backing, `size=${SAID * 2}`);
    run('sh', ['-c', `e2fsck -fy ${image} || [ $? -lt 4 ]`]);
    scene.mounts.mountAgain(image, root);
    await scene.isBackAfterTwoCleanups(server);
    await scene.readsGoOn(server, visitor, file);
    const kept = statuses.length - refused.length;
    const files = filesIn(root).length;
    scene.holds(files === kept + 2, `${files} files are left of ${kept + 2} that were acknowledged`);
  });
}
