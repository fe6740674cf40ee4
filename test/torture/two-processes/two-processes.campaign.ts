import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Campaign } from '../campaign.ts';
import { raceIdleness } from './idleness.ts';
import { raceLimits } from './limits.ts';
import { raceChanges } from './races.ts';
import { raceStops } from './stops.ts';
import type { Round } from './round.ts';

/** For so many races one stop of a process, one round of parallel uploads, and one of sessions near their idle end. */
const RACES_PER_ROUND = 500;

export const campaign: Campaign = {
  name: 'two-processes',
  title: 'what one process ends is over in the other within a second, however that one was stopped meanwhile',
  goal: 3_000,
  short: 60,
  async run(context) {
    const root = await mkdtemp(join(tmpdir(), 'nest-sessions-two-'));
    const round: Round = { ...context, root, rounds: Math.ceil(context.count / RACES_PER_ROUND) };
    try {
      const inRoot = (name: string): Round => ({ ...round, root: join(root, name) });
      await Promise.all([
        raceStops(inRoot('stops')),
        raceIdleness(inRoot('idleness')),
        raceChanges(inRoot('changes')).then(() => raceLimits(inRoot('limits'))),
      ]);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
    return { tried: context.count };
  },
};
