import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesIn, type Scene } from '../scene.ts';

const SESSIONS = 4;
const CHUNK_BYTES = 64 * 1024;
const IDLE_MS = 900_000;

/** Files and database on one disk, and somebody else fills it to the last byte, or the last inode. */
export async function fullDisk(scene: Scene, what: 'bytes' | 'inodes'): Promise<void> {
  const disk = scene.mounts.tmpfs(
    join(scene.folder, 'disk'),
    what === 'bytes' ? 'size=32m' : 'size=64m,nr_inodes=300',
  );
  const root = join(disk, 'root');
  const options = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 4 * 1024 * 1024 };
  await scene.serve({ root, options }, async (server) => {
    const known = await scene.visitorWithFile(server);
    for (let count = 1; count < SESSIONS; count += 1) await scene.visitorWithFile(server);
    const hog = join(disk, 'hog');
    mkdirSync(hog);
    fill(hog, what);

    await scene.uploadsAreRefused(known.visitor);
    await scene.readsGoOn(server, known.visitor, known.file);

    server.advance(IDLE_MS);
    await server.cleanUp();
    await server.cleanUp();
    const left = filesIn(root);
    scene.holds(
      left.length === 0,
      `${left.length} files of sessions that were due are left on the full disk`,
    );

    rmSync(hog, { recursive: true });
    await scene.isBackAfterTwoCleanups(server);
    scene.holds(existsSync(join(root, 'ballast')), 'the ballast is not made again');
  });
}

function fill(hog: string, what: 'bytes' | 'inodes'): void {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  try {
    for (let count = 0; ; count += 1) {
      if (what === 'bytes') appendFileSync(join(hog, 'file'), chunk);
      else writeFileSync(join(hog, `${Date.now()}-${count}`), '');
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
  if (what === 'bytes') fillRest(join(hog, 'rest'));
}

/** The last pages. */
function fillRest(path: string): void {
  try {
    for (;;) appendFileSync(path, Buffer.alloc(1));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}
