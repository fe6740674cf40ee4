import { setTimeout as wait } from 'node:timers/promises';
import { SessionsError } from '../../domain/errors.js';
import type { Heartbeat } from '../../ports/session-store.js';
import type { RootBeacons } from '../../ports/storage-root.js';

/** A beacon may be older, or younger, than the heartbeat that tells of it: it is looked for again. */
const TRIES = 7;
const PAUSE_MS = 500;

/**
 * Rejects with `STORAGE_UNSAFE` where a live process on this node has a beacon in its storage root that is not in this one:
 * then one root is a copy of the other, as on machines that were cloned, and each would take the other's files for its own.
 */
export async function refuseClonedRoot(
  beacons: RootBeacons,
  listNeighbours: () => Promise<readonly Heartbeat[]>,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    if (await seesAll(beacons, await listNeighbours())) return;
    if (tries === TRIES) break;
    await wait(PAUSE_MS);
  }
  throw new SessionsError(
    'STORAGE_UNSAFE',
    'The storage root is a copy of one that another machine works with now (the same UUID in its marker): ' +
      'give this machine a folder of its own, a new or an empty one. What is in the copy belongs to the other machine.',
  );
}

async function seesAll(beacons: RootBeacons, neighbours: readonly Heartbeat[]): Promise<boolean> {
  const seen = await Promise.all(
    neighbours.map(async ({ processId, beacon }) => beacon === null || beacons.sees(processId, beacon)),
  );
  return seen.every(Boolean);
}
