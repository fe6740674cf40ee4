import { parentPort, workerData } from 'node:worker_threads';
import { removeEntries } from './trash-removal.js';

/** The thread that deletes trash entries: it receives names and answers their outcomes in the same order. */
const { trash } = workerData as { readonly trash: string };

parentPort?.on('message', (names: readonly string[]) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(removeEntries(trash, names));
});
