import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Campaign } from '../campaign.ts';
import { Jumps } from './jumps.ts';

export const campaign: Campaign = {
  name: 'clock',
  title: 'whoever sets the wall clock, and however far, nobody lives longer, ends earlier or loses a file',
  goal: 60,
  short: 5,
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-clock-'));
    try {
      return await new Jumps(context, folder).run();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
