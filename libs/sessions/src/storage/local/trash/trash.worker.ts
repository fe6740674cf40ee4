import { parentPort, workerData } from 'node:worker_threads';
import { removeEntries } from './trash-removal.js';

/** The thread that deletes: it is told names in the trash, and answers what became of them, in the same order. */
const { trash } = workerData as { readonly trash: string };

parentPort?.on('message', (names: readonly string[]) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(removeEntries(trash, names));
});
