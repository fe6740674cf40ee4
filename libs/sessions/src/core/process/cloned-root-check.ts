import { setTimeout as wait } from 'node:timers/promises';
import { SessionsError } from '../../domain/errors.js';
import type { Heartbeat } from '../../ports/store/session-store.js';
import type { RootBeacons } from '../../ports/storage/storage-root.js';

/** A process writes its beacon and its heartbeat in two steps: a missing beacon may appear in a later try. */
const TRIES = 7;
const PAUSE_MS = 500;

/**
 * Each process leaves a beacon, a small file, in its storage root, and names it in its heartbeats. Rejects with
 * `STORAGE_UNSAFE` if this root lacks the beacon of a live process with the same root UUID: then one root is a clone of the
 * other, as on cloned machines, and each process would treat the other's files as its own.
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
      'storagePath (SESSION_STORAGE_PATH) to a new or empty folder. The other machine has the files: delete this copy of them.',
  );
}

async function seesAll(beacons: RootBeacons, neighbours: readonly Heartbeat[]): Promise<boolean> {
  const seen = await Promise.all(
    neighbours.map(async ({ processId, beacon }) => beacon === null || beacons.sees(processId, beacon)),
  );
  return seen.every(Boolean);
}
