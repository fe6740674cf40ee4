import type { EndingsGroup } from './endings.js';
import type { FeedGroup } from './feed.js';
import type { FleetGroup } from './fleet.js';
import type { LedgerGroup } from './ledger.js';
import type { ReleasesGroup } from './releases.js';
import type { ResourcesGroup } from './resources.js';
import type { SessionsGroup } from './sessions.js';
import type { StoreGroups } from './store-groups.js';

export * from './endings.js';
export * from './feed.js';
export * from './fleet.js';
export * from './ledger.js';
export * from './releases.js';
export * from './resources.js';
export * from './sessions.js';

/**
 * Remembers sessions and what they own, in groups of operations. It decides nothing: instants are passed in, limits too,
 * and each write is conditional, so that of two processes deciding at once only one is right.
 *
 * What every operation of every group promises:
 * - It is atomic, and durable when its promise resolves, but for touches and heartbeats.
 * - Absence is an answer, never an error. Nothing but `sessions.open` creates a session; no write revives an ended one.
 * - It may be repeated: the second time changes nothing and answers as told there. Only what counts (`touch`, `grow`,
 *   `use`, `recordRun`) counts again.
 * - Where the store cannot answer, it rejects with `STORE_UNAVAILABLE`; nothing was changed then, or all of it.
 */
export abstract class SessionStore implements StoreGroups {
  /** A fixed word for logs and metrics: `sqlite`, `redis`, `memory`. */
  abstract readonly kind: string;

  readonly sessions: SessionsGroup;
  readonly endings: EndingsGroup;
  readonly resources: ResourcesGroup;
  readonly releases: ReleasesGroup;
  readonly fleet: FleetGroup;
  readonly feed: FeedGroup;
  readonly ledger: LedgerGroup;

  constructor(groups: StoreGroups) {
    this.sessions = groups.sessions;
    this.endings = groups.endings;
    this.resources = groups.resources;
    this.releases = groups.releases;
    this.fleet = groups.fleet;
    this.feed = groups.feed;
    this.ledger = groups.ledger;
  }

  /** Makes the store ready, creating what it needs. Rejects with `STORE_INCOMPATIBLE` where it cannot serve. */
  abstract connect(): Promise<void>;

  /** Closes connections and handles. Writes that were accepted are finished first. */
  abstract close(): Promise<void>;

  /**
   * Calls `listener` soon after any process ended, rotated or bound a session. Best effort: a notification may be late,
   * spurious or lost, so readers of the feed must also poll. Lasts until `close`, and resolves then; a store without
   * notifications never calls, and resolves at once. Rejects with `STORE_UNAVAILABLE` where the store's user may not
   * subscribe; while no server answers it retries.
   */
  async onChange(_listener: () => void): Promise<void> {}
}
