import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CampaignContext } from '../campaign.ts';
import { ForeignEntries, type Level } from './foreign-entries.ts';
import { differencesOf, listingOf } from './listing.ts';
import { SweeperWorld } from './sweeper-world.ts';

const SESSIONS = 20;
const ORPHANS = 60;
const SWEEPS = 3;
const SHOWN = 5;

/** Foreign entries at every level of a root that is in use: sweeps delete the orphans among them, and touch none of them. */
export async function sweepAmongForeign(
  { count, random, violation, note }: CampaignContext,
  base: string,
): Promise<void> {
  const root = join(base, 'foreign');
  const world = await SweeperWorld.start(root);
  const outside = join(base, 'outside');
  mkdirSync(outside);
  try {
    const files = await Promise.all(
      Array.from({ length: SESSIONS }, async () =>
        world.addFile(await world.open(), Buffer.from(randomUUID())),
      ),
    );
    const orphans = Array.from({ length: ORPHANS }, () => plantOrphan(world));
    const entries = new ForeignEntries(
      outside,
      files.map((file) => world.fileOf(file)),
      random,
    );
    try {
      const folders = [...files.map(({ sessionId }) => world.folderOf(sessionId)), ...orphans.map(dirname)];
      for (let planted = 0; planted < count; planted += 1)
        await entries.plant(levelAt(planted, root, folders));
      const look = () => entries.planted.map((path) => listingOf(path));
      const before = look();
      const outsideBefore = listingOf(outside);

      let deleted = 0;
      for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
        const done = await world.sweep();
        deleted += done.deleted;
        if (done.failures > 0) violation(`sweep ${sweep}: ${done.failures} failures among foreign entries`);
      }
      const left = orphans.filter((path) => existsSync(path)).length;
      if (left > 0 || deleted !== ORPHANS) {
        violation(`${deleted} of ${ORPHANS} orphans among foreign entries were deleted, ${left} are left`);
      }
      const changed = look().flatMap((now, index) => differencesOf(before[index] ?? new Map(), now));
      changed.push(...differencesOf(outsideBefore, listingOf(outside)));
      for (const line of changed.slice(0, SHOWN)) violation(`not ours: ${line}`);
      if (changed.length > SHOWN) violation(`not ours: ${changed.length - SHOWN} more were touched`);
      for (const file of files) {
        if ((await world.read(file)).length !== 36) violation('a live file is not what it was');
      }
      note(
        `${entries.planted.length} foreign entries of ${entries.kinds.size} kinds at ${LEVELS} levels, ${SWEEPS} sweeps`,
      );
    } finally {
      await entries.clear();
    }
  } finally {
    await world.stop();
  }
}

const LEVELS = 5;

function levelAt(index: number, root: string, folders: readonly string[]): Level {
  const folder = folders[index % folders.length] ?? root;
  switch (index % LEVELS) {
    case 0:
      return { folder: root, ourName: () => hex(), ours: [] };
    case 1:
      return shardLevel(root);
    case 2:
      return {
        folder: dirname(folder),
        ourName: () => `${folder.slice(-32, -30)}${hex().slice(2)}`,
        ours: ['empty folder'],
      };
    case 3:
      return { folder, ourName: () => hex() + (index % 2 ? '.part' : ''), ours: ['file', 'empty file'] };
    default:
      return {
        folder: join(root, 'trash'),
        ourName: () => hex(),
        ours: ['folder', 'empty folder'],
      };
  }
}

/** There are but 256 names of ours: where they are all taken, others are. */
function shardLevel(root: string): Level {
  const folder = join(root, 's');
  const taken = new Set(readdirSync(folder));
  const free = Array.from({ length: 256 }, (_, first) => first.toString(16).padStart(2, '0')).find(
    (name) => !taken.has(name),
  );
  return { folder, ourName: () => free ?? `s-${hex()}`, ours: [] };
}

function plantOrphan(world: SweeperWorld): string {
  const path = world.fileOf({ sessionId: randomUUID(), id: randomUUID() });
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, 'left behind', { mode: 0o600 });
  return path;
}

function hex(): string {
  return randomUUID().replaceAll('-', '');
}
