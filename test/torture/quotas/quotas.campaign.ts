import type { Campaign, CampaignContext } from '../campaign.ts';
import { withFolder } from '../processes/scratch.ts';
import { onRedis, onSqlite, type Ground } from './grounds.ts';
import { floodFromOneAddress } from './one-address.ts';
import { Race } from './race.ts';

/** So many uploads come from one address, for each of the race. */
const FROM_ONE_ADDRESS = 50;

/** The count is that of uploads of a user, over both stores. */
export const campaign: Campaign = {
  name: 'quotas',
  title: 'nothing is granted beyond a quota by any race, and nothing is refused for good while there is room',
  goal: 2000,
  short: 60,
  async run(context) {
    const { random, count, note } = context;
    await withFolder(async (folder) => {
      await race(context, await onSqlite(folder));
      await race(context, await onRedis(folder, random));
    });
    note(await floodFromOneAddress(context, count * FROM_ONE_ADDRESS));
    return { tried: count * (1 + FROM_ONE_ADDRESS) };
  },
};

async function race(context: CampaignContext, ground: Ground): Promise<void> {
  const running = new Race(ground, context);
  try {
    await running.run(context.count / 2);
  } finally {
    await ground.close();
  }
  const { uploads, kills, looks, most, outcomes } = running;
  const figure = (value: number): string => value.toLocaleString('en');
  const told = [...outcomes].map(([what, times]) => `${figure(times)} ${what}`).join(', ');
  context.note(
    `on ${ground.name}: ${figure(uploads)} uploads, ${kills} kills, ${figure(looks)} looks, at most ${most.resources} files and ${figure(most.bytes)} bytes (${told}) ${ground.tell()}`.trim(),
  );
}
