import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesIn, type Scene } from '../scene.ts';

const SESSIONS = 12;
const IDLE_MS = 900_000;
const NEXT_TRY_MS = 61 * 60_000;

/** Two files that cannot be deleted, one immutable and one that something is mounted over: they hold up no other. */
export async function stubbornFiles(scene: Scene): Promise<void> {
  const root = join(scene.folder, 'root');
  scene.mounts.ext4(join(scene.folder, 'image'), root, 64 * 1024 * 1024);
  const options = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 };
  await scene.serve({ root, database: scene.place('database'), options }, async (server) => {
    for (let count = 0; count < SESSIONS; count += 1) await scene.visitorWithFile(server);
    const [immutable = '', busy = ''] = filesIn(root).toSorted(() => scene.random() - 0.5);
    execFileSync('chattr', ['+i', immutable]);
    const name = busy.slice(busy.lastIndexOf('/') + 1);
    const cover = join(mkdtempSync(join(scene.folder, 'cover-')), 'cover');
    writeFileSync(cover, 'in the way');
    scene.mounts.bind(cover, busy);
    scene.mounts.after(() => makeMutable(root));

    server.advance(IDLE_MS);
    const reports = await server.cleanUp();
    const left = filesIn(root);
    scene.holds(left.length === 2, `${left.length} of ${SESSIONS} files are left, not the two stubborn ones`);
    scene.holds(
      reports.some(({ failures }) => failures > 0),
      'no cleanup tells that it could not delete something',
    );
    const other = await scene.visitorWithFile(server);
    await scene.readsGoOn(server, other.visitor, other.file);
    await other.visitor.leave();

    makeMutable(root);
    scene.mounts.unmountNamed(name);
    server.advance(NEXT_TRY_MS);
    await scene.isBackAfterTwoCleanups(server);
    const files = filesIn(root).length;
    scene.holds(files === 1, `${files} files are left, not only that of the upload`);
  });
}

function makeMutable(root: string): void {
  // What is being deleted meanwhile needs it no more.
  for (const file of filesIn(root)) spawnSync('chattr', ['-i', file]);
}
