import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Campaign } from '../campaign.ts';
import { fillDisk } from './full-disk.ts';
import { Mounts } from './mounts.ts';
import { replaceRoot } from './replaced-root.ts';

export const campaign: Campaign = {
  name: 'disk',
  title: 'a full disk or a lost root: refusals, no loss, and service again once there is room',
  goal: 40,
  short: 1,
  async run(context) {
    for (let round = 0; round < context.count; round += 1) {
      const base = mkdtempSync(join(tmpdir(), 'torture-disk-'));
      const mounts = new Mounts();
      const clear = (): void => {
        mounts.clear();
        rmSync(base, { recursive: true, force: true });
      };
      process.once('exit', clear);
      try {
        // oxlint-disable no-await-in-loop -- each round has the machine for itself
        await fillDisk(context, base, mounts, 'size=4m');
        await fillDisk(context, base, mounts, 'size=64m,nr_inodes=40');
        await replaceRoot(context, base, round);
        // oxlint-enable no-await-in-loop
      } finally {
        process.off('exit', clear);
        clear();
      }
    }
    return { tried: context.count };
  },
};
