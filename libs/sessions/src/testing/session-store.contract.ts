import { bookkeepingCases } from './store/bookkeeping.cases.js';
import { clockCases } from './store/clock.cases.js';
import { crowdCases } from './store/crowds.cases.js';
import { endingCases } from './store/ending.cases.js';
import { findingCases } from './store/finding.cases.js';
import { loginCases } from './store/login.cases.js';
import { nodeCases } from './store/nodes.cases.js';
import { openingCases } from './store/opening.cases.js';
import { placingCases } from './store/placing.cases.js';
import { releasingCases } from './store/releasing.cases.js';
import { resourceCases } from './store/resources.cases.js';
import { touchingCases } from './store/touching.cases.js';
import { usageCases } from './store/usage.cases.js';
import type { SessionStoreCase } from './store/store.fixtures.js';

export type { SessionStoreCase } from './store/store.fixtures.js';

/**
 * The promises of every session store, as data for any test runner. Each case needs a new, empty, connected store, which
 * the caller closes afterwards.
 *
 * ```ts
 * for (const { name, run } of sessionStoreContract) {
 *   test(name, async () => run(await newStore()));
 * }
 * ```
 */
export const sessionStoreContract: readonly SessionStoreCase[] = [
  ...openingCases,
  ...loginCases,
  ...crowdCases,
  ...touchingCases,
  ...endingCases,
  ...findingCases,
  ...resourceCases,
  ...placingCases,
  ...releasingCases,
  ...nodeCases,
  ...bookkeepingCases,
  ...clockCases,
  ...usageCases,
];
