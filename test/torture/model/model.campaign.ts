import type { Campaign } from '../campaign.ts';
import { runInterleavings } from './interleavings.ts';
import { onAllGrounds } from './grounds.ts';
import { runSequences } from './sequences.ts';

/** So many interleavings for each sequence. */
const INTERLEAVINGS = 20;

export const campaign: Campaign = {
  name: 'model',
  title:
    'two processes on one store, of any kind, do what a plain model says, and an ended session never comes back',
  goal: 1_000,
  short: 20,
  async run({ count, seed, violation, note }) {
    const interleavings = count * INTERLEAVINGS;
    const broken = await runInterleavings(interleavings, seed);
    if (broken) violation(`an interleaving: ${broken}`);
    note(`${figure(interleavings)} interleavings of slow requests with ends`);
    await onAllGrounds(async (grounds) => {
      const runs = grounds.map(async (ground) => {
        const { done, divergence } = await runSequences(ground, count, seed);
        if (divergence) violation(`on ${ground.name}: ${divergence}`);
        const figures = Object.entries(done).map(([what, times]) => `${figure(times)} ${what}`);
        note(`${figure(count)} sequences on ${ground.name}: ${figures.join(', ')}`);
      });
      await Promise.all(runs);
    });
    return { tried: count + interleavings };
  },
};

function figure(times: number): string {
  return times.toLocaleString('en');
}
