import type { DatabaseSync } from 'node:sqlite';
import type { GroupName, StoreGroups } from '../../../ports/store-groups.js';
import { SqliteAccounts } from './accounts.js';
import { SqliteClock } from './clock.js';
import { SqliteEndings } from './endings.js';
import { SqliteFeed } from './feed.js';
import { SqliteFleet } from './fleet.js';
import type { InOneThread } from '../../../ports/store-groups.js';
import { SqliteLedger } from './ledger.js';
import { SqliteNetworks } from './networks.js';
import { SqlitePlacement } from './placement.js';
import { SqliteReleases } from './releases.js';
import { SqliteResources } from './resources.js';
import { SqliteSessions } from './sessions.js';

export type SqliteOperations = { readonly [Group in GroupName]: InOneThread<StoreGroups[Group]> } & {
  readonly networks: Pick<SqliteNetworks, 'beforeCommit' | 'afterTransaction'>;
};

/** The synchronous operations of the store on one connection. Call each within a transaction, and tell `networks` of its end. */
export function sqliteOperations(db: DatabaseSync): SqliteOperations {
  const ledger = new SqliteLedger(db);
  const endings = new SqliteEndings(db, ledger);
  const accounts = new SqliteAccounts(db);
  const releases = new SqliteReleases(db, ledger, accounts);
  const placement = new SqlitePlacement(db, ledger, accounts, releases);
  const networks = new SqliteNetworks(db);
  return {
    sessions: new SqliteSessions(db, ledger, networks),
    networks,
    endings,
    resources: new SqliteResources(db, ledger, accounts, placement),
    releases,
    fleet: new SqliteFleet(db, ledger, endings, releases),
    clock: new SqliteClock(db, ledger),
    feed: new SqliteFeed(db, ledger),
    ledger,
  };
}
