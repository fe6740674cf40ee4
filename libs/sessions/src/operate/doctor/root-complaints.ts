import type { SessionsCore } from '../../core/core.js';
import type { StorageRoom } from '../../ports/storage/storage-root.js';
import { complaint, named, type Complaint } from './complaint.js';

const MOST = 1000;
/** Less than so many times the floor is told. */
const SCARCE = 2;

/** The storage folder of this machine: marker, room, ballast, trash, modes. */
export async function rootComplaints(core: SessionsCore): Promise<Complaint[]> {
  const { storageRoot } = core;
  if (storageRoot.isTransient) return [];
  const room = await storageRoot.room();
  return [
    ...roomComplaints(core, room),
    ...(await trashComplaints(core, room)),
    ...(await modeComplaints(core)),
  ];
}

const REMEDIES: Readonly<Record<NonNullable<StorageRoom['problem']>, string>> = {
  missing: 'Mount or restore the folder: nothing is deleted until it is back.',
  untrusted:
    'Compare storagePath and the store with those of the server. If they are right, run: sessions cleanup --confirm',
  full: 'Free space on the disk, or make it larger.',
  read_only: 'Find out why the disk is read-only, then mount it for writing.',
  unavailable: 'Check the disk and its mount.',
};

function roomComplaints({ config }: SessionsCore, room: StorageRoom): Complaint[] {
  const { problem, refusing, freeBytes, freeInodes } = room;
  if (problem !== null)
    return [
      complaint(`storage-${problem}`, 'error', { what: refusing ?? problem, remedy: REMEDIES[problem] }),
    ];
  const isScarce = freeBytes < SCARCE * config.minFreeBytes || freeInodes < SCARCE * config.minFreeInodes;
  if (!isScarce) return [];
  const what = `The storage disk has ${freeBytes} bytes and ${freeInodes} inodes free: at ${config.minFreeBytes} and ${config.minFreeInodes}, new files are refused.`;
  return [complaint('storage-scarce', 'warning', { what, remedy: REMEDIES.full })];
}

/** What an end deletes stays with it: the rest is deleted by each cleanup. */
async function trashComplaints(
  { storage, store }: SessionsCore,
  { problem }: StorageRoom,
): Promise<Complaint[]> {
  if (problem === 'missing' || problem === 'unavailable') return [];
  const entries = await storage.listTrash();
  const known = await store.resources.known(entries.map(({ sessionId }) => sessionId));
  const left = entries.filter((_, index) => known[index] === '');
  if (left.length === 0) return [];
  const what = `The trash has the files of ${left.length} sessions that are over.`;
  return [complaint('trash', 'info', { what, remedy: 'The next cleanup deletes them.' })];
}

async function modeComplaints({ storageRoot }: SessionsCore): Promise<Complaint[]> {
  const exposed = await storageRoot.listExposed(MOST);
  const ours = exposed.filter(({ isOurs }) => isOurs);
  const theirs = exposed.filter(({ isOurs }) => !isOurs);
  const complaints: Complaint[] = [];
  if (ours.length > 0) {
    const what = `${ours.length} entries of the storage folder are open to other users: ${namesOf(ours)}.`;
    const remedy = 'Run: doctor --repair, and find out what changed their modes.';
    const mend = async (): Promise<boolean> => (await storageRoot.closeExposed()) > 0;
    complaints.push(complaint('modes', 'error', { what, remedy }, mend));
  }
  if (theirs.length > 0) {
    const what = `${theirs.length} entries of the storage folder belong to another user: ${namesOf(theirs)}.`;
    const remedy = 'Give them to the user of the server (chown), and run every command as that user.';
    complaints.push(complaint('owner', 'error', { what, remedy }));
  }
  return complaints;
}

function namesOf(entries: readonly { readonly name: string; readonly mode: string }[]): string {
  return named(entries.map(({ name, mode }) => `${name} (${mode})`));
}
