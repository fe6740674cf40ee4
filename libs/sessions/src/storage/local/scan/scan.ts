import type { KnownResources, ScannedPart } from '../../../ports/storage/file-storage.js';
import type { ListedPart } from './folder-scan.js';
import type { RootPaths } from '../folders/paths.js';
import { unavailable } from '../../storage-error.js';
import { WorkerThread } from '../folders/worker-thread.js';

/** Parts that are listed, looked up or compared concurrently, so that neither disk nor store is idle. */
const PARTS_AT_ONCE = 3;

/** A request to the scan thread: list the next part, or compare a part with the known resources of its sessions. */
export type ScanQuestion = 'list' | { readonly number: number; readonly known: readonly string[] };

/** The requested result; `listed` is `null` after the last part. */
export interface ScanAnswer {
  readonly listed: ListedPart | null;
  readonly compared: ScannedPart | null;
}

/**
 * Scans session folders in a worker thread, at most `PARTS_AT_ONCE` parts ahead of the consumer. Ends without an error if
 * the root is missing.
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
    // The loop below rethrows the failure when it reaches this part.
    part.catch(() => undefined);
    underWay.push(part);
  };
  try {
    for (let part = 0; part < PARTS_AT_ONCE; part += 1) begin();
    // oxlint-disable-next-line no-await-in-loop -- in order, so that no part follows one that failed
    for (let part = await underWay.shift(); part; part = await underWay.shift()) {
      begin();
      yield part;
    }
  } finally {
    await thread.close();
  }
}

/** A generator, so that concurrent requests list one part after the other, in order. */
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

/** Lists names before it reads records: a file without a record by then is deleted too, or an orphan. */
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
  return unavailable('The scan thread stopped: the next scan starts from the beginning.', cause);
}
