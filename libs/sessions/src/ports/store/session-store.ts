import type { AuditGroup } from '../record/audit.js';
import type { BudgetsGroup } from '../budgets.js';
import type { ClockGroup } from '../clock.js';
import type { DataGroup } from '../data.js';
import type { EndingsGroup } from '../endings.js';
import type { FeedGroup } from '../feed.js';
import type { FleetGroup } from '../fleet.js';
import type { InspectionGroup } from '../inspection.js';
import type { JournalGroup } from '../record/journal.js';
import type { LedgerGroup } from '../record/ledger.js';
import type { RatesGroup } from '../rates.js';
import type { ReleasesGroup } from '../releases.js';
import type { ResourcesGroup } from '../resources.js';
import type { SessionsGroup } from '../sessions.js';
import type { TrendsGroup } from '../record/trends.js';
import type { StoreGroups } from './store-groups.js';
import type { Holder, StoreTrouble } from './store-trouble.js';

export * from '../record/audit.js';
export * from '../budgets.js';
export * from '../data.js';
export * from '../endings.js';
export * from '../feed.js';
export * from '../fleet.js';
export * from '../inspection.js';
export * from '../record/journal.js';
export * from '../record/ledger.js';
export * from '../rates.js';
export * from '../releases.js';
export * from '../resources.js';
export * from '../sessions.js';
export * from '../record/trends.js';

/**
 * Stores sessions and their resources, in groups of operations. It decides nothing: callers pass instants and limits, and
 * each write is conditional, so that of two processes that decide at once only one succeeds.
 *
 * Every operation of every group promises:
 * - It is atomic, and durable when its promise resolves, except touches, heartbeats, rates and `journal.append`.
 * - Absence is an answer, never an error. Only `sessions.open` creates a session; no write revives an ended one.
 * - It may be repeated: a repeat changes nothing and answers as documented there. Only counters (`touch`, `grow`, `use`,
 *   `recordRun`, `rates.count`, `audit.countWrongToken`) count again, and `append` adds again.
 * - If the store cannot answer, it rejects with `STORE_UNAVAILABLE`; then it has changed nothing or everything.
 */
export abstract class SessionStore implements StoreGroups {
  /** A fixed word for logs and metrics: `sqlite`, `redis`, `memory`. */
  abstract readonly kind: string;

  readonly sessions: SessionsGroup;
  readonly endings: EndingsGroup;
  readonly resources: ResourcesGroup;
  readonly data: DataGroup;
  readonly releases: ReleasesGroup;
  readonly fleet: FleetGroup;
  readonly clock: ClockGroup;
  readonly feed: FeedGroup;
  readonly ledger: LedgerGroup;
  readonly rates: RatesGroup;
  readonly budgets: BudgetsGroup;
  readonly journal: JournalGroup;
  readonly audit: AuditGroup;
  readonly trends: TrendsGroup;
  readonly inspection: InspectionGroup;

  constructor(groups: StoreGroups) {
    this.sessions = groups.sessions;
    this.endings = groups.endings;
    this.resources = groups.resources;
    this.data = groups.data;
    this.releases = groups.releases;
    this.fleet = groups.fleet;
    this.clock = groups.clock;
    this.feed = groups.feed;
    this.ledger = groups.ledger;
    this.rates = groups.rates;
    this.budgets = groups.budgets;
    this.journal = groups.journal;
    this.audit = groups.audit;
    this.trends = groups.trends;
    this.inspection = groups.inspection;
  }

  /** What is wrong with the store's data, as far as this process knows; `null` for nothing. Never waits. */
  get trouble(): StoreTrouble | null {
    return null;
  }

  /**
   * Whether it keeps limits that bind several sessions: of users, of networks and of all (see `BudgetsGroup`); it counts in any
   * case.
   */
  get keepsBudgets(): boolean {
    return true;
  }

  /**
   * Prepares the store, creating what is missing. Rejects with `STORE_INCOMPATIBLE` if its version or setup is unfit; with
   * `StoreHeld` if it could be migrated, but lists processes beside those that the caller saw `silent`.
   */
  abstract connect(silent?: readonly Holder[]): Promise<void>;

  /** Finishes accepted writes, then closes connections and handles. */
  abstract close(): Promise<void>;

  /**
   * Calls `listener` soon after any process ended a session or gave it a new token. Best effort: a notification may be late,
   * spurious or lost, so readers of the feed must also poll. Lasts until `close`, and resolves then; a store without
   * notifications never calls, and resolves at once. Rejects with `STORE_UNAVAILABLE` if the store's user may not
   * subscribe; retries while no server answers.
   */
  async onChange(_listener: () => void): Promise<void> {}
}
