import type { OperationName } from './operations.js';

/** What changes nothing: it takes no lock that a writer would wait for. */
export const READS: ReadonlySet<OperationName> = new Set<OperationName>([
  'identity',
  'findByToken',
  'find',
  'findIdle',
  'findExpired',
  'findDisposable',
  'countDue',
  'list',
  'readFeed',
  'findResource',
  'listResources',
  'knownResources',
  'listProcesses',
  'listNodes',
  'listRuns',
  'totals',
]);
