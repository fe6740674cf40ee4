import { setTimeout as wait } from 'node:timers/promises';
import { SessionsError } from '../../domain/errors.js';
import type { Heartbeat } from '../../ports/session-store.js';
import type { RootBeacons } from '../../ports/storage-root.js';

/** Beacon and heartbeat are not written in one step: a missing beacon may appear in a later try. */
const TRIES = 7;
const PAUSE_MS = 500;

/**
 * Rejects with `STORAGE_UNSAFE` if a live process on this node has a beacon that this storage root lacks: then one root is
 * a clone of the other, as on cloned machines, and each would treat the other's files as its own.
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
    'The storage root is a clone of one that another machine is using (both markers have the same UUID): set ' +
      'storagePath (SESSION_STORAGE_PATH) to a new or empty folder. The files in the clone belong to the other machine.',
  );
}

async function seesAll(beacons: RootBeacons, neighbours: readonly Heartbeat[]): Promise<boolean> {
  const seen = await Promise.all(
    neighbours.map(async ({ processId, beacon }) => beacon === null || beacons.sees(processId, beacon)),
  );
  return seen.every(Boolean);
}
