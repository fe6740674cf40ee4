import { parentPort, workerData } from 'node:worker_threads';
import { FolderScan } from './folder-scan.js';
import { RootPaths } from '../folders/paths.js';
import type { ScanAnswer, ScanQuestion } from './scan.js';

/** The thread of one scan of a root. */
const { root } = workerData as { readonly root: string };
const scan = new FolderScan(new RootPaths(root));

parentPort?.on('message', (question: ScanQuestion) => {
  const answer: ScanAnswer =
    question === 'list'
      ? { listed: scan.list(), compared: null }
      : { listed: null, compared: scan.compare(question.number, question.known) };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(answer);
});
