import type { Campaign, CampaignContext } from '../campaign.ts';
import { inParallel } from '../processes/in-parallel.ts';
import { holdsWithin, percentile, withFolder } from '../processes/scratch.ts';
import { raceEnds } from './races.ts';
import { Scene } from './scene.ts';
import { Subject } from './subject.ts';
import { byAdminHere, byAdminThere, byCommandLine, byCommandProcess, byItsUser, type Way } from './ways.ts';

const AT_ONCE = 16;
/** Each run of the command line is a process, two at a time. */
const COMMAND_LINES_AT_ONCE = 2;
/** Of ten sessions, one has an upload under way. */
const UPLOADS = 10;

/** The count is that of sessions with open streams, for each way to end them. */
export const campaign: Campaign = {
  name: 'streams',
  title: 'an end reaches the streams of a session at once, wherever they are, and nothing comes after it',
  goal: 500,
  short: 10,
  async run(context) {
    const { count } = context;
    return withFolder(async (root) => {
      const scene = await Scene.create(context, root);
      try {
        const commandLines = Math.ceil(count / 10);
        const ended = [
          ...(await endAll(scene, byItsUser, count)),
          ...(await endAll(scene, byAdminHere, Math.ceil(count / 2))),
          ...(await endAll(scene, byAdminThere, Math.floor(count / 2))),
          ...(await endAll(scene, byCommandLine, commandLines, COMMAND_LINES_AT_ONCE)),
          ...(await endAll(scene, byCommandProcess, count - commandLines)),
        ];
        const races = Math.ceil(count / 2);
        tellRaces(context, await raceEnds(scene, races));
        for (const subject of ended) subject.checkUntouched();
        await checkNoStreams(scene);
        return { tried: ended.length + races };
      } finally {
        await scene.destroy();
      }
    });
  },
};

/** Opens so many sessions with their streams, and ends them all in one way. */
async function endAll(scene: Scene, way: Way, count: number, atOnce = AT_ONCE): Promise<Subject[]> {
  const { context } = scene;
  const subjects: Subject[] = [];
  await inParallel(Array(count).keys(), AT_ONCE, async (index) => {
    subjects.push(await Subject.begin(scene, index % UPLOADS === 0));
  });
  const took: number[] = [];
  await inParallel(subjects, atOnce, async (subject) => {
    try {
      took.push(...(await subject.endBy(way)));
    } catch (error) {
      context.violation(`${way.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  context.note(
    `${count} sessions ended by ${way.name}: streams closed after ${percentile(took, 0.5)} ms, ` +
      `the last after ${Math.max(...took)} ms, of ${way.closesWithinMs}`,
  );
  for (const subject of subjects) subject.close();
  return subjects;
}

function tellRaces({ note }: CampaignContext, ends: Readonly<Record<string, number>>): void {
  const told = Object.entries(ends).map(([how, times]) => `${times} ${how}`);
  note(`streams opened in the instant of the end: ${told.join(', ')}`);
}

async function checkNoStreams({ database, context }: Scene): Promise<void> {
  const streams = (): number => database.number("SELECT count(*) FROM resources WHERE type = 'stream'");
  await holdsWithin(5000, () => streams() === 0);
  if (streams() > 0) context.violation(`${streams()} streams stay on record though all are closed`);
}
