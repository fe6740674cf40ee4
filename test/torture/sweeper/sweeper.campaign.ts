import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Campaign } from '../campaign.ts';
import { Mounts } from '../disk/mounts.ts';
import { startInDangerousRoots } from './dangerous-roots.ts';
import { sweepAmongForeign } from './foreign.ts';
import { sweepAmongSlowUploads } from './slow-uploads.ts';
import { serveOnWrongStores } from './wrong-store.ts';

/** From so many foreign entries on, everything else is done in full too. */
const FULL = 5000;

export const campaign: Campaign = {
  name: 'sweeper',
  title: 'the sweeper deletes what nobody owns, and touches nothing else',
  goal: 10_000,
  short: 400,
  async run(context) {
    const isFull = context.count >= FULL;
    const base = mkdtempSync(join(tmpdir(), 'torture-sweeper-'));
    const mounts = new Mounts();
    try {
      mounts.tmpfs(base, 'size=512m');
      await sweepAmongForeign(context, base);
      await sweepAmongSlowUploads(context, base, isFull ? 200 : 40);
      await serveOnWrongStores(context, base, isFull ? 4 : 1);
      await startInDangerousRoots(context, base, isFull ? Infinity : 2);
      return { tried: context.count };
    } finally {
      mounts.clear();
      rmSync(base, { recursive: true, force: true });
    }
  },
};
