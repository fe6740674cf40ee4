import { readdirSync } from 'node:fs';
import { run } from '../mounts.ts';
import { BYTES, type Scene } from '../scene.ts';

const AT_ONCE = 6;
/** For a connection that has to be opened anew, and too few for the files of so many uploads. */
const SPARE = 4;
const PLENTY = 4096;
const NO_CONNECTION = 'not at all';

/** The server may open hardly any file more: what needs one is refused, and all is well once it may again. */
export async function fewDescriptors(scene: Scene): Promise<void> {
  const options = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 };
  await scene.serve({ root: scene.place('root'), options }, async (server) => {
    const { visitor, file } = await scene.visitorWithFile(server);
    const together = async <T>(work: () => Promise<T>): Promise<T[]> =>
      Promise.all(Array.from({ length: AT_ONCE }, work));
    // Their connections are kept: it is files that are missing.
    await together(() => visitor.arrive());
    const most = descriptorsOf(server.pid) + SPARE;
    run('prlimit', ['--pid', String(server.pid), `--nofile=${most}:${PLENTY}`]);
    const answers = await together(() => visitor.upload(BYTES).then(({ status }) => status, lostConnection));
    const refused = answers.filter((answer) => answer !== 201);
    scene.holds(refused.length > 0, 'uploads need no descriptors');
    scene.holds(
      refused.every((answer) => answer === 503 || answer === 507 || answer === NO_CONNECTION),
      `without descriptors uploads were answered ${refused.join(', ')}`,
    );
    await scene.requestsGoOn(server, visitor);

    run('prlimit', ['--pid', String(server.pid), `--nofile=${PLENTY}:${PLENTY}`]);
    await scene.readsGoOn(server, visitor, file);
    await scene.isBackAfterTwoCleanups(server);
  });
}

/** A connection takes a descriptor too: the system itself refuses one too many. */
function lostConnection(error: unknown): typeof NO_CONNECTION {
  if (error instanceof TypeError && error.message === 'fetch failed') return NO_CONNECTION;
  throw error;
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
