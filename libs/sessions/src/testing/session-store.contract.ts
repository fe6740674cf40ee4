import { bookkeepingCases } from './store/bookkeeping.cases.js';
import { endingCases } from './store/ending.cases.js';
import { findingCases } from './store/finding.cases.js';
import { nodeCases } from './store/nodes.cases.js';
import { openingCases } from './store/opening.cases.js';
import { releasingCases } from './store/releasing.cases.js';
import { resourceCases } from './store/resources.cases.js';
import { touchingCases } from './store/touching.cases.js';
import type { SessionStoreCase } from './store/store.case.js';

export type { SessionStoreCase } from './store/store.case.js';

/**
 * All that a session store promises, as data: for any test runner, or none. Each case needs a fresh, empty, connected
 * store, and does not mind if the store is closed when it is done.
 *
 * ```ts
 * for (const { name, run } of sessionStoreContract) {
 *   test(name, async () => run(await aFreshStore()));
 * }
 * ```
 */
export const sessionStoreContract: readonly SessionStoreCase[] = [
  ...openingCases,
  ...touchingCases,
  ...endingCases,
  ...findingCases,
  ...resourceCases,
  ...releasingCases,
  ...nodeCases,
  ...bookkeepingCases,
];
