import { budgetCases } from './store/budgets/budgets.cases.js';
import { connectionCases } from './store/connection.cases.js';
import { endedListCases } from './store/endings/ended-list.cases.js';
import { endingCases } from './store/endings/ending.cases.js';
import { clockCases } from './store/fleet/clock.cases.js';
import { nodeCases } from './store/fleet/nodes.cases.js';
import { processCases } from './store/fleet/processes.cases.js';
import { auditCases } from './store/journal/audit.cases.js';
import { deedCases } from './store/journal/deeds.cases.js';
import { forgettingCases } from './store/journal/forgetting.cases.js';
import { journalCases } from './store/journal/journal.cases.js';
import { inspectionCases } from './store/ledger/inspection.cases.js';
import { rateCases } from './store/ledger/rates.cases.js';
import { runCases } from './store/ledger/runs.cases.js';
import { totalsCases } from './store/ledger/totals.cases.js';
import { trendBatchCases } from './store/ledger/trend-batches.cases.js';
import { trendCases } from './store/ledger/trends.cases.js';
import { placingCases } from './store/resources/placing.cases.js';
import { releasingCases } from './store/resources/releasing.cases.js';
import { resourceCases } from './store/resources/resources.cases.js';
import { authorityCases } from './store/sessions/authority.cases.js';
import { crowdCases } from './store/sessions/crowds.cases.js';
import { dataCases } from './store/sessions/data.cases.js';
import { findingCases } from './store/sessions/finding.cases.js';
import { listingCases } from './store/sessions/listing.cases.js';
import { loginCases } from './store/sessions/login.cases.js';
import { openingCases } from './store/sessions/opening.cases.js';
import { touchingCases } from './store/sessions/touching.cases.js';
import { usageCases } from './store/sessions/usage.cases.js';
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
  ...authorityCases,
  ...crowdCases,
  ...touchingCases,
  ...endingCases,
  ...endedListCases,
  ...findingCases,
  ...listingCases,
  ...dataCases,
  ...resourceCases,
  ...placingCases,
  ...releasingCases,
  ...nodeCases,
  ...processCases,
  ...runCases,
  ...rateCases,
  ...totalsCases,
  ...trendCases,
  ...trendBatchCases,
  ...connectionCases,
  ...clockCases,
  ...usageCases,
  ...budgetCases,
  ...deedCases,
  ...journalCases,
  ...forgettingCases,
  ...auditCases,
  ...inspectionCases,
];
