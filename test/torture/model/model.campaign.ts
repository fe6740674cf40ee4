import type { Campaign } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import { GROUNDS, type GroundName } from './grounds.ts';
import type { Asked } from './ground-process.ts';
import type { Outcome } from './sequences.ts';

const GROUND_PROCESS = new URL('ground-process.ts', import.meta.url);

/** So many interleavings for each sequence. */
const INTERLEAVINGS = 20;

export const campaign: Campaign = {
  name: 'model',
  title:
    'two processes on one store, of any kind, do what a plain model says, and an ended session never comes back',
  goal: 1_000,
  short: 20,
  async run({ count, seed, violation, note }) {
    const asked: Asked = { count, seed };
    const interleavings = count * INTERLEAVINGS;
    await Promise.all([
      ...GROUNDS.map((ground) =>
        inProcess(ground, async (process) => {
          const { done, divergence } = await process.ask<Outcome>('run', asked);
          if (divergence) violation(`on ${ground}: ${divergence}`);
          const figures = Object.entries(done).map(([what, times]) => `${figure(times)} ${what}`);
          note(`${figure(count)} sequences on ${ground}: ${figures.join(', ')}`);
        }),
      ),
      inProcess('memory', async (process) => {
        const broken = await process.ask<string | null>('interleave', { ...asked, count: interleavings });
        if (broken) violation(`an interleaving: ${broken}`);
        note(`${figure(interleavings)} interleavings of slow requests with ends`);
      }),
    ]);
    return { tried: count + interleavings };
  },
};

async function inProcess(ground: GroundName, work: (process: Child) => Promise<void>): Promise<void> {
  const process = await Child.start(GROUND_PROCESS, ground);
  try {
    await work(process);
  } finally {
    await process.stop();
  }
}

function figure(times: number): string {
  return times.toLocaleString('en');
}
