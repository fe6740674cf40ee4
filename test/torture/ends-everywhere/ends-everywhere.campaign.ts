import { RedisSessionStore } from 'nest-sessions/redis';
import { RedisClusterServers } from '../../support/redis-servers.ts';
import type { Campaign } from '../campaign.ts';
import { ThreeNodes } from '../nodes/three-nodes.ts';
import { Child } from '../processes/child.ts';
import type { CoreSetUp } from '../processes/core-process.ts';
import { inParallel } from '../processes/in-parallel.ts';
import { holdsWithin, percentile, withFolder } from '../processes/scratch.ts';
import { withoutMessages } from './lost-messages.ts';
import type { Scene } from './scene.ts';
import { Subject, type Way } from './subject.ts';

const AT_ONCE = 24;
/** Of ten sessions, one has an upload under way; of another ten, one is ended by a command. */
const UPLOADS = 10;
const WAYS: readonly Way[] = [
  'a command',
  ...Array<Way>(6).fill('its user'),
  ...Array<Way>(3).fill('an operator'),
];
const CORE = new URL('../processes/core-process.ts', import.meta.url);

/** The count is that of ends while messages of Redis come through, and of as many while they do not. */
export const campaign: Campaign = {
  name: 'ends-everywhere',
  title:
    'an end on one of three servers on a Redis cluster is an end on all of them, also where messages get lost',
  goal: 1000,
  short: 20,
  async run(context) {
    const { count } = context;
    const cluster = await RedisClusterServers.start();
    const store = new RedisSessionStore({ url: cluster.urls, timeoutMs: 5000 });
    try {
      await store.connect();
      await withFolder(async (folder) => {
        const nodes = await ThreeNodes.start(folder, { redisUrls: cluster.urls });
        const [{ root }] = nodes.servers;
        const setUp: CoreSetUp = { role: 'cli', options: { redisUrls: cluster.urls, storagePath: root } };
        const command = await Child.start(CORE, setUp);
        const scene = { context, nodes, command, store };
        try {
          const told = await endAll({ ...scene, closesWithinMs: 2000 }, count, '');
          const cut = { ...scene, closesWithinMs: 5000 };
          const untold = await withoutMessages(cluster.servers, () =>
            endAll(cut, count, ', without messages'),
          );
          await checkAfterwards(cut, [...told, ...untold]);
        } finally {
          await Promise.all([nodes.destroy(), command.kill()]);
        }
      });
    } finally {
      await store.close();
      await cluster.stop();
    }
    return { tried: 2 * count };
  },
};

async function endAll(scene: Scene, count: number, how: string): Promise<Subject[]> {
  const { violation, note } = scene.context;
  const subjects: Subject[] = [];
  const took: number[] = [];
  await inParallel(Array(count).keys(), AT_ONCE, async (index) => {
    const subject = await Subject.begin(scene, index % UPLOADS === 0);
    const way = WAYS[Math.floor(index / UPLOADS + index) % WAYS.length] ?? 'its user';
    try {
      took.push(...(await subject.endBy(way)));
      subjects.push(subject);
    } catch (error) {
      violation(`ended by ${way}${how}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      subject.close();
    }
  });
  note(
    `${count} ends${how}: ${took.length.toLocaleString('en')} streams on other servers closed after ${percentile(took, 0.5)} ms, 99 of 100 within ${percentile(took, 0.99)} ms, the last after ${Math.max(...took)} ms, of ${scene.closesWithinMs}`,
  );
  return subjects;
}

/** Each node has done its part, and nothing was written to any of them since. */
async function checkAfterwards({ store, context }: Scene, subjects: readonly Subject[]): Promise<void> {
  const ending = async (): Promise<number> => (await store.ledger.totals()).ending;
  if (!(await holdsWithin(5000, async () => (await ending()) === 0))) {
    context.violation(`${await ending()} ends are not finished by all nodes`);
  }
  await inParallel(subjects, AT_ONCE, (subject) => subject.checkUntouched());
}
