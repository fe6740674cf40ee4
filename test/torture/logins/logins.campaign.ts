import type { Campaign, CampaignContext } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import { inParallel } from '../processes/in-parallel.ts';
import { withFolder } from '../processes/scratch.ts';
import { onRedis, onSqlite, type Ground } from './grounds.ts';
import type { LoginSetUp } from './login-process.ts';
import { LoginRound, type Tally } from './login-round.ts';

const AT_ONCE = 40;
const LOSES_SHARE = 0.2;
const PROGRAM = new URL('login-process.ts', import.meta.url);

export const campaign: Campaign = {
  name: 'logins',
  title:
    'of all who log in with one token at once one gets a new one, of a session of their own, and nobody else goes on',
  goal: 3_000,
  short: 60,
  async run(context) {
    await withFolder(async (folder) => {
      for (const [index, set] of [onSqlite, onRedis].entries()) {
        const ground = await set(folder);
        try {
          await playOn(ground, context, Math.ceil((context.count - index) / 2));
        } finally {
          await ground.close();
        }
      }
    });
    return { tried: context.count };
  },
};

async function playOn(ground: Ground, context: CampaignContext, count: number): Promise<void> {
  const tally: Tally = {
    logins: 0,
    regenerates: 0,
    restarts: 0,
    refused: 0,
    restored: 0,
    ended: 0,
    landed: 0,
    cutOff: 0,
  };
  const start = (offset: number): Promise<Child> => {
    const setUp: LoginSetUp = {
      options: ground.options,
      losesShare: LOSES_SHARE,
      seed: context.seed + offset,
    };
    return Child.start(PROGRAM, setUp);
  };
  const one = await start(1);
  try {
    const other = await start(2);
    try {
      const scene = { context, ground, processes: [one, other] as const };
      await inParallel(Array(count).keys(), AT_ONCE, () => new LoginRound(scene, tally).play());
    } finally {
      await other.kill();
    }
  } finally {
    await one.kill();
  }
  const { logins, regenerates, restarts, refused, restored, ended, landed, cutOff } = tally;
  context.note(
    `${count} rounds on ${ground.name}: ${logins} logins and ${regenerates} regenerates won (${restarts} in a new session), ${refused} others were refused; ${restored} stores were put back, ${ended} sessions ended; ${landed} uploads landed before a new token or under it, ${cutOff} were cut off`,
  );
}
