import type { Campaign, CampaignContext } from '../campaign.ts';
import { Grounds } from './grounds.ts';
import { ACTS, DEEDS, playRound } from './round.ts';

const MOST_DEEDS = 3;
/** Of ten rounds, one is on a disk. */
const ON_DISK = 10;

/** The count is that of rounds. */
export const campaign: Campaign = {
  name: 'cut-offs',
  title:
    'whatever happens between two calls of store and storage, what is cut off sends and writes nothing more',
  goal: 10_000,
  short: 200,
  async run(context) {
    const onDisk = Math.ceil(context.count / ON_DISK);
    await play(context, 'disk', onDisk);
    await play(context, 'memory', context.count - onDisk);
    return { tried: context.count };
  },
};

async function play(context: CampaignContext, kind: 'memory' | 'disk', rounds: number): Promise<void> {
  const { random, violation, note } = context;
  const pick = <Choice>(choices: readonly Choice[]): Choice =>
    choices[Math.floor(random() * choices.length)] as Choice;
  const grounds = await Grounds.start(kind);
  const stops = new Map<string, number>();
  try {
    for (const act of ACTS) {
      const undisturbed = await playRound(grounds, act, []);
      for (const fault of undisturbed.faults) violation(`${act} without a deed: ${fault}`);
      stops.set(act, undisturbed.stops.length);
    }
    for (let round = 0; round < rounds; round += 1) {
      const act = pick(ACTS);
      const deeds = Array.from({ length: 1 + Math.floor(random() * MOST_DEEDS) }, () => ({
        name: pick(DEEDS),
        at: Math.floor(random() * (stops.get(act) ?? 0)),
      }));
      const { stops: names, faults } = await playRound(grounds, act, deeds);
      const story = deeds.map(({ name, at }) => `${name} at ${names[at] ?? 'no stop'}`).join(', ');
      for (const fault of faults) violation(`${act}, ${story}: ${fault}`);
    }
    note(
      `${rounds} rounds, ${kind}: stops of ${[...stops].map(([act, count]) => `${act} ${count}`).join(', ')}`,
    );
  } finally {
    await grounds.close();
  }
}
