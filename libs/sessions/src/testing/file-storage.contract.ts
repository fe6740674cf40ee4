import { deletingCases } from './storage/deleting.cases.js';
import { readingCases } from './storage/reading.cases.js';
import { refusingCases } from './storage/refusing.cases.js';
import { scanningCases } from './storage/scanning.cases.js';
import type { FileStorageCase } from './storage/storage.case.js';
import { writingCases } from './storage/writing.cases.js';

export type { FileStorageCase } from './storage/storage.case.js';

/**
 * The promises of every file storage. Each case needs a connected storage with free space, which may contain other files,
 * and uses new ids. The cases run in any order, with any test runner: they use only `node:assert`.
 */
export const fileStorageContract: readonly FileStorageCase[] = [
  ...writingCases,
  ...readingCases,
  ...deletingCases,
  ...scanningCases,
  ...refusingCases,
];
