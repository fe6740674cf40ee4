import type { KnownResources, ScannedPart } from '../../../ports/file-storage.js';
import type { ListedPart } from './folder-scan.js';
import type { RootPaths } from '../folders/paths.js';
import { unavailable } from '../folders/storage-error.js';
import { WorkerThread } from '../folders/worker-thread.js';

/** Parts that are listed, looked up or compared at the same time, so that neither disk nor store waits for the other. */
const PARTS_AT_ONCE = 3;

/** What the scanning thread is asked: to list the next part, or to compare one with what is known of its sessions. */
export type ScanQuestion = 'list' | { readonly number: number; readonly known: readonly string[] };

/** What was asked for; `listed` is `null` when there is no part left. */
export interface ScanAnswer {
  readonly listed: ListedPart | null;
  readonly compared: ScannedPart | null;
}

/**
 * Scans the folders of sessions in a thread of its own, never more than a few parts ahead of who reads. Stops quietly where
 * the root is gone.
 */
export async function* scanFiles(
  paths: RootPaths,
  isPresent: () => Promise<boolean>,
  known: KnownResources,
): AsyncGenerator<ScannedPart> {
  const thread = new WorkerThread<ScanQuestion, ScanAnswer>({
    name: 'scan',
    file: new URL('./scan.worker.js', import.meta.url),
    data: { root: paths.root },
    lost: stopped,
  });
  const listings = listParts(thread, isPresent);
  const underWay: Promise<ScannedPart | null>[] = [];
  const begin = (): void => {
    const part = scanPart(thread, listings, known);
    // One that fails is noticed when its turn comes, if it comes.
    part.catch(() => undefined);
    underWay.push(part);
  };
  try {
    for (let part = 0; part < PARTS_AT_ONCE; part += 1) begin();
    // oxlint-disable-next-line no-await-in-loop -- in order, so that none is passed on after one that failed
    for (let part = await underWay.shift(); part; part = await underWay.shift()) {
      begin();
      yield part;
    }
  } finally {
    await thread.close();
  }
}

/** Asked for several parts at once, it lists one after the other: the first that is asked for is the first there is. */
async function* listParts(
  thread: WorkerThread<ScanQuestion, ScanAnswer>,
  isPresent: () => Promise<boolean>,
): AsyncGenerator<ListedPart> {
  // oxlint-disable-next-line no-await-in-loop -- in order
  while (await isPresent()) {
    const { listed } = await thread.ask('list');
    if (!listed) return;
    yield listed;
  }
}

/** Names first, records after: a file whose record is gone by then is gone too, or nobody's. */
async function scanPart(
  thread: WorkerThread<ScanQuestion, ScanAnswer>,
  listings: AsyncGenerator<ListedPart>,
  known: KnownResources,
): Promise<ScannedPart | null> {
  const { value: listed, done } = await listings.next();
  if (done) return null;
  const { number, sessionIds } = listed;
  const { compared } = await thread.ask({ number, known: await known(sessionIds) });
  return compared;
}

function stopped(cause?: unknown): Error {
  return unavailable('The scan of the storage stopped: the next one begins anew.', cause);
}
