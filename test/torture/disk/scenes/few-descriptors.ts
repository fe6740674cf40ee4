import { readdirSync } from 'node:fs';
import { run } from '../mounts.ts';
import { BYTES, type Scene } from '../scene.ts';

const AT_ONCE = 6;
const PLENTY = 4096;

/** The server may open no file more than it has: what needs one is refused, and all is well once it may again. */
export async function fewDescriptors(scene: Scene): Promise<void> {
  const options = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 };
  await scene.serve({ root: scene.place('root'), options }, async (server) => {
    const { visitor, file } = await scene.visitorWithFile(server);
    const together = async <T>(work: () => Promise<T>): Promise<T[]> =>
      Promise.all(Array.from({ length: AT_ONCE }, work));
    // Their connections are kept: it is files that are missing.
    await together(() => visitor.arrive());
    const before = descriptorsOf(server.pid);
    run('prlimit', ['--pid', String(server.pid), `--nofile=${before}:${PLENTY}`]);
    const statuses = await together(async () => (await visitor.upload(BYTES)).status);
    const other = statuses.filter((status) => status !== 503 && status !== 507);
    scene.holds(other.length === 0, `without descriptors uploads were answered ${other.join(', ')}`);
    await scene.requestsGoOn(server, visitor);

    run('prlimit', ['--pid', String(server.pid), `--nofile=${PLENTY}:${PLENTY}`]);
    await scene.readsGoOn(server, visitor, file);
    await scene.isBackAfterTwoCleanups(server);
  });
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
