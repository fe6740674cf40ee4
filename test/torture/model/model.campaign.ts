import type { Campaign } from '../campaign.ts';
import { runInterleavings } from './interleavings.ts';
import { STORES } from './pair.ts';
import { runSequences } from './sequences.ts';

/** So many interleavings for each sequence. */
const INTERLEAVINGS = 20;

export const campaign: Campaign = {
  name: 'model',
  title: 'two processes on one store do what a plain model says, and an ended session never comes back',
  goal: 1_000,
  short: 20,
  async run({ count, seed, violation, note }) {
    const interleavings = count * INTERLEAVINGS;
    const broken = await runInterleavings(interleavings, seed);
    if (broken) violation(`an interleaving: ${broken}`);
    note(`${figure(interleavings)} interleavings of slow requests with ends`);
    await Promise.all(
      STORES.map(async (store) => {
        const { done, divergence } = await runSequences(store, count, seed);
        if (divergence) violation(`on ${store}: ${divergence}`);
        const figures = Object.entries(done).map(([what, times]) => `${figure(times)} ${what}`);
        note(`${figure(count)} sequences on ${store}: ${figures.join(', ')}`);
      }),
    );
    return { tried: count + interleavings };
  },
};

function figure(times: number): string {
  return times.toLocaleString('en');
}
