import type { DatabaseSync } from 'node:sqlite';
import type { GroupName, InOneThread, StoreGroups } from '../../ports/store/store-groups.js';
import { SqliteAccounts } from './operations/accounts.js';
import { SqliteBudgets } from './operations/budgets.js';
import { SqliteClock } from './operations/clock.js';
import { SqliteData } from './operations/data.js';
import { SqliteEndings } from './operations/endings.js';
import { SqliteFeed } from './operations/feed.js';
import { SqliteFleet } from './operations/fleet.js';
import { SqliteInspection } from './operations/inspection/inspection.js';
import { SqliteAudit } from './operations/record/audit.js';
import { SqliteJournal } from './operations/record/journal.js';
import { SqliteLedger } from './operations/record/ledger.js';
import { SqliteListing } from './operations/listing.js';
import { SqliteNetworks } from './operations/networks.js';
import { SqlitePlacement } from './operations/placement.js';
import { SqliteReleases } from './operations/releases.js';
import { SqliteResources } from './operations/resources.js';
import { SqliteSessions } from './operations/sessions.js';
import { SqliteTrends } from './operations/record/trends.js';
import { SqliteRates } from './sqlite.rates.js';

/** The groups that a database holds, in synchronous form. */
export interface SqliteOperations extends Partial<Record<GroupName, object>> {
  /** What is told of the end of each transaction with a write. */
  readonly networks: Pick<SqliteNetworks, 'beforeCommit' | 'afterTransaction'> | null;
  /** The same, and of each call that fails. */
  readonly counted: Pick<SqliteTrends, 'mark' | 'undo' | 'beforeCommit' | 'afterTransaction'> | null;
}

type SessionsOperations = SqliteOperations & {
  readonly [Group in Exclude<GroupName, 'rates'>]: InOneThread<StoreGroups[Group]>;
};

/** The operations of the database of sessions. Call each within a transaction, and tell `networks` and `counted` of its end. */
export function sqliteOperations(db: DatabaseSync): SessionsOperations {
  const ledger = new SqliteLedger(db);
  const trends = new SqliteTrends(db);
  const data = new SqliteData(db);
  const journal = new SqliteJournal(db, ledger);
  const audit = new SqliteAudit(db, ledger);
  const endings = new SqliteEndings(db, ledger, data, journal, audit, trends);
  const accounts = new SqliteAccounts(db);
  const releases = new SqliteReleases(db, ledger, accounts);
  const placement = new SqlitePlacement(db, ledger, accounts, releases, journal, trends);
  const networks = new SqliteNetworks(db);
  const budgets = new SqliteBudgets(db);
  const listing = new SqliteListing(db, ledger);
  const fleet = new SqliteFleet(db, ledger, endings, releases, trends);
  return {
    sessions: new SqliteSessions(db, ledger, networks, data, budgets, journal, trends, listing),
    networks,
    counted: trends,
    endings,
    resources: new SqliteResources(db, ledger, accounts, placement, budgets),
    data,
    releases,
    fleet,
    clock: new SqliteClock(db, ledger),
    feed: new SqliteFeed(db, ledger),
    ledger,
    budgets,
    journal,
    audit,
    trends,
    inspection: new SqliteInspection(db, fleet),
  };
}

/** The operations of the database of rates. */
export function ratesOperations(db: DatabaseSync): SqliteOperations {
  return { rates: new SqliteRates(db), networks: null, counted: null };
}
