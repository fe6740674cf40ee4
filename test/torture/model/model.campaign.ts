import type { Campaign } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import { runInterleavings } from './interleavings.ts';
import { GROUNDS } from './grounds.ts';
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
      ...GROUNDS.map(async (ground) => {
        const process = await Child.start(GROUND_PROCESS, ground);
        try {
          const { done, divergence } = await process.ask<Outcome>('run', asked);
          if (divergence) violation(`on ${ground}: ${divergence}`);
          const figures = Object.entries(done).map(([what, times]) => `${figure(times)} ${what}`);
          note(`${figure(count)} sequences on ${ground}: ${figures.join(', ')}`);
        } finally {
          await process.stop();
        }
      }),
      runInterleavings(interleavings, seed).then((broken) => {
        if (broken) violation(`an interleaving: ${broken}`);
        note(`${figure(interleavings)} interleavings of slow requests with ends`);
      }),
    ]);
    return { tried: count + interleavings };
  },
};

function figure(times: number): string {
  return times.toLocaleString('en');
}
