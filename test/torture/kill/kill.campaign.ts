import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { Lane } from '../slim/lane.ts';
import { slimConfig } from '../slim/slim-config.ts';
import { CRASH_POINTS, type CrashPoint } from './crash-points.ts';
import { planJobs, type Job } from './jobs.ts';
import { Killer } from './killer.ts';

/** One for each processor to keep busy; each has a storage root of its own. */
const LANES = 2;

export const campaign: Campaign = {
  name: 'kill',
  title: 'a server killed at any instant leaves nothing that one cleanup does not put right',
  goal: 2000,
  short: 8,
  async run(context) {
    const base = mkdtempSync(join(tmpdir(), 'torture-kill-'));
    try {
      return await run(context, base);
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  },
};

async function run({ count, random, violation, note, progress }: CampaignContext, base: string) {
  const jobs = planJobs(count, random);
  const planned = jobs.length;
  const tell = (): void => progress(planned - jobs.length, planned);
  const lanes = Array.from(
    { length: LANES },
    (_, index) => new Lane({ base, name: `lane-${index}`, config: slimConfig, random, violation }),
  );
  const killers = lanes.map((lane) => new Killer(lane, random, violation));
  try {
    await Promise.all(killers.map((killer) => work(killer, jobs, tell)));
  } finally {
    for (const lane of lanes) lane.remove();
  }
  const commands = killers.reduce((sum, { commands }) => sum + commands, 0);
  const tried = killers.reduce((sum, { kills }) => sum + kills, commands);
  const met = new Map<CrashPoint, number>();
  for (const point of killers.flatMap((killer) => killer.met)) met.set(point, (met.get(point) ?? 0) + 1);
  const least = CRASH_POINTS.reduce((fewest, point) => Math.min(fewest, met.get(point) ?? 0), Infinity);
  note(
    `${met.size} of ${CRASH_POINTS.length} crash points met, each ${least} times or more; ${commands} commands killed`,
  );
  return { tried };
}

async function work(killer: Killer, jobs: Job[], tell: () => void): Promise<void> {
  for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
    const again = await killer.do(job);
    if (again) jobs.unshift(again);
    tell();
  }
  await killer.finish();
}
