import type { DatabaseSync } from 'node:sqlite';
import type { GroupName, InOneThread, StoreGroups } from '../../ports/store-groups.js';
import { SqliteAccounts } from './operations/accounts.js';
import { SqliteClock } from './operations/clock.js';
import { SqliteData } from './operations/data.js';
import { SqliteEndings } from './operations/endings.js';
import { SqliteFeed } from './operations/feed.js';
import { SqliteFleet } from './operations/fleet.js';
import { SqliteLedger } from './operations/ledger.js';
import { SqliteNetworks } from './operations/networks.js';
import { SqlitePlacement } from './operations/placement.js';
import { SqliteReleases } from './operations/releases.js';
import { SqliteResources } from './operations/resources.js';
import { SqliteSessions } from './operations/sessions.js';

export type SqliteOperations = { readonly [Group in GroupName]: InOneThread<StoreGroups[Group]> } & {
  readonly networks: Pick<SqliteNetworks, 'beforeCommit' | 'afterTransaction'>;
};

/** The synchronous operations of the store on one connection. Call each within a transaction, and tell `networks` of its end. */
export function sqliteOperations(db: DatabaseSync): SqliteOperations {
  const ledger = new SqliteLedger(db);
  const data = new SqliteData(db);
  const endings = new SqliteEndings(db, ledger, data);
  const accounts = new SqliteAccounts(db);
  const releases = new SqliteReleases(db, ledger, accounts);
  const placement = new SqlitePlacement(db, ledger, accounts, releases);
  const networks = new SqliteNetworks(db);
  return {
    sessions: new SqliteSessions(db, ledger, networks, data),
    networks,
    endings,
    resources: new SqliteResources(db, ledger, accounts, placement),
    data,
    releases,
    fleet: new SqliteFleet(db, ledger, endings, releases),
    clock: new SqliteClock(db, ledger),
    feed: new SqliteFeed(db, ledger),
    ledger,
  };
}
