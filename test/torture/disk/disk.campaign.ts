import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { Mounts } from './mounts.ts';
import { Scene } from './scene.ts';
import { failingDisk } from './scenes/failing-disk.ts';
import { fewDescriptors } from './scenes/few-descriptors.ts';
import { frozenDisk } from './scenes/frozen-disk.ts';
import { fullDisk } from './scenes/full-disk.ts';
import { REPLACEMENT_NAMES, replacedRoot, unmountedRoot } from './scenes/lost-root.ts';
import { readOnlyDisk } from './scenes/read-only-disk.ts';
import { stubbornFiles } from './scenes/stubborn-files.ts';

const GOAL = 6;
const FREEZE_SECONDS = 10;
const SHORT_FREEZE_SECONDS = 1;

/** The count is that of rounds: each plays every scene once. */
export const campaign: Campaign = {
  name: 'disk',
  title: 'a disk that is full, frozen, failing or gone costs uploads, and nothing else',
  goal: GOAL,
  short: 1,
  async run(context) {
    let tried = 0;
    for (let round = 0; round < context.count; round += 1) tried += await playAll(context, round);
    return { tried };
  },
};

/** One scene after the other, each with the machine for itself; how many there were. */
async function playAll(context: CampaignContext, round: number): Promise<number> {
  const freezeSeconds = context.count < GOAL ? SHORT_FREEZE_SECONDS : FREEZE_SECONDS;
  const replacement = REPLACEMENT_NAMES[(context.seed + round) % REPLACEMENT_NAMES.length] ?? 'nothing';
  const scenes: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
    'a disk full of bytes': (scene) => fullDisk(scene, 'bytes'),
    'a disk out of inodes': (scene) => fullDisk(scene, 'inodes'),
    'a read-only disk': readOnlyDisk,
    'a frozen disk': (scene) => frozenDisk(scene, freezeSeconds),
    'a failing disk': failingDisk,
    'files that cannot be deleted': stubbornFiles,
    'no descriptors left': fewDescriptors,
    'an unmounted root': unmountedRoot,
    [`${replacement} in place of the root`]: (scene) => replacedRoot(scene, replacement),
  };
  for (const [name, play] of Object.entries(scenes)) {
    try {
      await inPlace((base, mounts) => play(new Scene(context, name, base, mounts)));
    } catch (error) {
      context.violation(`${name}: it broke off: ${inspect(error)}`);
    }
  }
  return Object.keys(scenes).length;
}

/** A folder, and mounts, that are gone afterwards, however it ends. */
async function inPlace(work: (base: string, mounts: Mounts) => Promise<void>): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'torture-disk-'));
  const mounts = new Mounts();
  const clear = (): void => {
    mounts.clear();
    rmSync(base, { recursive: true, force: true });
  };
  process.once('exit', clear);
  try {
    await work(base, mounts);
  } finally {
    process.off('exit', clear);
    clear();
  }
}
