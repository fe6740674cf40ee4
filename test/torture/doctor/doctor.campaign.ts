import { join } from 'node:path';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { withFolder } from '../processes/scratch.ts';
import { RemoteServer } from '../remote/remote-server.ts';
import { REDIS_DAMAGES } from './redis-damages.ts';
import { RedisGround } from './redis-ground.ts';
import { examine, expectNothing, hurt, repair, type Damage } from './round.ts';
import { shuffled } from './shuffled.ts';
import { SQLITE_DAMAGES } from './sqlite-damages.ts';
import { OPTIONS, SqliteGround } from './sqlite-ground.ts';

/** Damages of one round. */
const TOGETHER = 12;
/** Nothing is in motion in a round: what a process may be about to register again need not be watched for long. */
const MOTION_MS = 100;
/** Looks beside servers that are at work, for so many damages one. */
const LOOKS_PER_DAMAGE = 0.2;
const VISITORS = 6;

export const campaign: Campaign = {
  name: 'doctor',
  title:
    'the doctor finds every damage, mends what is safe, changes nothing else, and finds nothing beside servers at work',
  goal: 400,
  short: 50,
  async run(context) {
    const half = Math.ceil(context.count / 2);
    const onSqlite = roundsOf(SQLITE_DAMAGES, half, context);
    const onRedis = roundsOf(REDIS_DAMAGES, half, context);
    for (const damages of onSqlite) {
      await withFolder(async (folder) => {
        const ground = await SqliteGround.make(folder, context.random, false, MOTION_MS);
        await ground.populate();
        try {
          await hurt(ground, damages, context);
        } finally {
          await ground.close();
        }
      });
    }
    for (const damages of onRedis) {
      await withFolder(async (folder) => {
        const ground = await RedisGround.make(folder, context.random, MOTION_MS);
        await ground.populate();
        try {
          await hurt(ground, damages, context);
        } finally {
          await ground.close();
        }
      });
    }
    await withFolder((folder) => lookBeside(join(folder, 'root'), context));
    const tried = [...onSqlite, ...onRedis].flat();
    context.note(`${new Set(tried.map(({ name }) => name)).size} kinds of damage`);
    return { tried: tried.length };
  },
};

/** All kinds in a random order, again and again. */
function roundsOf<Kind extends Damage<never, never>>(
  kinds: readonly Kind[],
  count: number,
  { random }: CampaignContext,
): Kind[][] {
  const together: Kind[][] = [];
  const alone: Kind[][] = [];
  for (let left = count; left > 0; left -= kinds.length) {
    const chosen = shuffled(kinds, random).slice(0, left);
    alone.push(...chosen.filter(({ standsAlone }) => standsAlone).map((kind) => [kind]));
    const others = chosen.filter(({ standsAlone }) => !standsAlone);
    for (let start = 0; start < others.length; start += TOGETHER)
      together.push(others.slice(start, start + TOGETHER));
  }
  return [...together, ...alone];
}

/** Servers that open, upload, download, log in, end and clean up: the doctor has nothing to say, and mends nothing. */
async function lookBeside(root: string, context: CampaignContext): Promise<void> {
  const ground = await SqliteGround.make(root, context.random, true);
  const other = await RemoteServer.start({ root, options: OPTIONS, cleansUp: true });
  const load = { sessions: 0, isOver: false };
  try {
    const visitors = Array.from({ length: VISITORS }, (_, index) =>
      visit(index % 2 === 0 ? ground.server : other, context.random, load),
    );
    const looks = Math.ceil(context.count * LOOKS_PER_DAMAGE);
    for (let look = 0; look < looks; look += 1) {
      const report = await (look % 3 === 2 ? repair(ground) : examine(ground));
      expectNothing(report, 'beside servers at work', context);
    }
    load.isOver = true;
    await Promise.all(visitors);
    context.note(`${looks} looks beside servers that served ${load.sessions} sessions`);
  } finally {
    load.isOver = true;
    await other.stop();
    await ground.close();
  }
}

async function visit(
  server: RemoteServer,
  random: () => number,
  load: { sessions: number; isOver: boolean },
): Promise<void> {
  while (!load.isOver) {
    const [opened] = await server.ask.open(1);
    if (opened === undefined) return;
    const { token } = await server.ask.login(opened.token, `user ${Math.floor(random() * 5)}`);
    const uploads = Array.from({ length: 3 }, () =>
      server.ask.upload(opened.id, [Math.floor(random() * 9000), 10]),
    );
    await server.ask.request(token ?? opened.token);
    const isHasty = random() < 0.3;
    if (isHasty) await server.ask.end(opened.id);
    for (const { resourceId } of await Promise.all(uploads))
      if (resourceId !== null && !isHasty) await server.ask.download(resourceId);
    if (random() < 0.5) await server.ask.end(opened.id);
    load.sessions += 1;
  }
}
