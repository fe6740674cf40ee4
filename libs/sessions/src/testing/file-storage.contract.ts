import { deletingCases } from './storage/deleting.cases.js';
import { readingCases } from './storage/reading.cases.js';
import { refusingCases } from './storage/refusing.cases.js';
import { scanningCases } from './storage/scanning.cases.js';
import type { FileStorageCase } from './storage/storage.case.js';
import { writingCases } from './storage/writing.cases.js';

export type { FileStorageCase } from './storage/storage.case.js';

/**
 * What every file storage has to do. Each case takes a connected storage with room, which may hold other files; it uses
 * ids of its own. The cases run in any order, with any test runner: they rest on `node:assert` alone.
 */
export const fileStorageContract: readonly FileStorageCase[] = [
  ...writingCases,
  ...readingCases,
  ...deletingCases,
  ...scanningCases,
  ...refusingCases,
];
