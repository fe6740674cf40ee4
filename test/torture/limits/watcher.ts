// Watches one session from outside, all the time: what its records say, and what its folder holds.
import { Database } from '../processes/database.ts';
import { answerQuestions } from '../processes/answering.ts';
import { filesIn, folderOf } from '../processes/folder.ts';

export interface WatchSetUp {
  readonly root: string;
  readonly maxResources: number;
  readonly maxBytes: number;
}

/** What was seen of a session: the most of each at any instant. */
export interface Sighting {
  looks: number;
  resources: number;
  bytes: number;
  files: number;
  fileBytes: number;
  /** What was beyond a limit, in words. */
  readonly beyond: string[];
}

let setUp: WatchSetUp;
let database: Database;
let watching: { readonly sighting: Sighting; stop: boolean; readonly stopped: Promise<void> } | null = null;

answerQuestions(
  {
    start(asked: WatchSetUp) {
      setUp = asked;
      database = new Database(asked.root);
    },
    watch(sessionId: string) {
      const sighting: Sighting = { looks: 0, resources: 0, bytes: 0, files: 0, fileBytes: 0, beyond: [] };
      const watched = { sighting, stop: false, stopped: Promise.resolve() };
      watched.stopped = watch(sessionId, watched);
      watching = watched;
    },
    async told() {
      if (!watching) throw new Error('Nothing is watched.');
      watching.stop = true;
      await watching.stopped;
      return watching.sighting;
    },
  },
  async () => database.close(),
);

async function watch(sessionId: string, watched: { sighting: Sighting; stop: boolean }): Promise<void> {
  const folder = folderOf(setUp.root, sessionId);
  while (!watched.stop) {
    look(sessionId, folder, watched.sighting);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function look(sessionId: string, folder: string, sighting: Sighting): void {
  sighting.looks += 1;
  const holdings = database.holdings(sessionId);
  for (const { resources, bytes, incoming, incomingBytes } of holdings
    ? [holdings.said, holdings.summed]
    : []) {
    sighting.resources = Math.max(sighting.resources, note(sighting, 'resources in place', resources));
    sighting.bytes = Math.max(sighting.bytes, note(sighting, 'bytes in place', bytes));
    note(sighting, 'resources on their way in', incoming);
    note(sighting, 'bytes on their way in', incomingBytes);
  }
  // What is in place, and as much again on its way in or out.
  const { files, bytes } = onDisk(folder);
  sighting.files = Math.max(sighting.files, note(sighting, 'files', files, 2));
  sighting.fileBytes = Math.max(sighting.fileBytes, note(sighting, 'bytes on disk', bytes, 2));
}

/**
 * What lies in the folder in one instant, at least. Looking takes time, and files come and go meanwhile: those that are
 * there before and after were there together in between, with the bytes that they had before, or more.
 */
function onDisk(folder: string): { files: number; bytes: number } {
  const before = filesIn(folder);
  const after = new Set(filesIn(folder).map(({ inode }) => inode));
  const together = before.filter(({ inode }) => after.has(inode));
  return { files: together.length, bytes: together.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function note(sighting: Sighting, what: string, value: number, times = 1): number {
  const limit = times * (what.includes('bytes') ? setUp.maxBytes : setUp.maxResources);
  if (value > limit && sighting.beyond.length < 10) sighting.beyond.push(`${value} ${what}, of ${limit}`);
  return value;
}
