import { join } from 'node:path';
import type { CampaignContext } from '../campaign.ts';
import { isNoRoom } from './judge.ts';
import type { Mounts } from './mounts.ts';
import { ServerProcess } from './server-process.ts';

const FILE_BYTES = 200_000;
const MORE_THAN_FIT = 200;
const DATABASE_DISK = 'size=64m';

/** Storage that is full, of bytes or of inodes: uploads are refused, reads go on, and cleanup makes room again. */
export async function fillDisk(
  context: CampaignContext,
  base: string,
  mounts: Mounts,
  options: string,
): Promise<void> {
  const root = mounts.tmpfs(join(base, `full-${options.replaceAll(/\W/g, '-')}`), options);
  const database = mounts.tmpfs(`${root}-database`, DATABASE_DISK);
  const server = await ServerProcess.start({
    root,
    database,
    manualClock: false,
    options: { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 },
  });
  try {
    const visitor = await server.visit();
    const bytes = new Uint8Array(FILE_BYTES).fill(7);
    const first = await visitor.upload(bytes);
    let refused = 0;
    for (let tries = 0; refused === 0 && tries < MORE_THAN_FIT; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- until it is full
      const { status } = await visitor.upload(bytes);
      if (status !== 201) refused = status;
    }
    if (!isNoRoom(refused))
      context.violation(`${options}: the upload on a full disk was answered ${refused}`);
    const read = 'id' in first ? await visitor.download(first.id) : first.status;
    if (typeof read === 'number') context.violation(`${options}: a download on a full disk: ${read}`);
    const admin = await server.admin('');
    if (admin.status !== 200) context.violation(`${options}: the admin list on a full disk: ${admin.status}`);

    await visitor.leave();
    await server.cleanUp();
    await server.cleanUp();
    const next = await (await server.visit()).upload(bytes);
    if (next.status !== 201) context.violation(`${options}: after two cleanups an upload got ${next.status}`);
  } finally {
    await server.stop();
  }
}
