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

/** The operations of a store, in groups: its callers depend on the groups that they need. */
export interface StoreGroups {
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
}

export type GroupName = keyof StoreGroups;

/** A group of operations in synchronous form. */
export type InOneThread<Group> = {
  [Operation in keyof Group]: Group[Operation] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : never;
};

/** `sessions.open`, `feed.read`, … */
export type OperationName = {
  [Group in GroupName]: `${Group}.${keyof StoreGroups[Group] & string}`;
}[GroupName];

/**
 * - `read`: a small read that requests and the feed wait for. It changes nothing, and takes no lock that blocks writers.
 * - `list`: a read whose answer may be large or slow. No `read` may wait for it.
 * - `write`: a write that a client waits for.
 * - `upkeep`: a write that finishes or counts something in the background, and may wait longer.
 */
export type OperationKind = 'read' | 'list' | 'write' | 'upkeep';

type KindsOf<Group> = { readonly [Operation in keyof Group]: OperationKind };

/** Every operation of every group. */
export const STORE_OPERATIONS: { readonly [Group in GroupName]: KindsOf<StoreGroups[Group]> } = {
  sessions: {
    open: 'write',
    probe: 'write',
    findByToken: 'read',
    find: 'read',
    touch: 'write',
    login: 'write',
    regenerate: 'write',
    learnAddress: 'write',
    findEvictable: 'read',
    forgetNetworks: 'upkeep',
    findAbove: 'list',
    list: 'list',
    findIds: 'list',
  },
  endings: {
    beginEnd: 'write',
    leaseEnding: 'upkeep',
    finishEnd: 'upkeep',
    findIdle: 'list',
    findExpired: 'list',
    countDue: 'list',
    listEnded: 'list',
    dropTombstones: 'upkeep',
  },
  resources: {
    reserve: 'write',
    grow: 'write',
    noteStall: 'write',
    complete: 'write',
    place: 'write',
    find: 'read',
    findOf: 'read',
    list: 'list',
    listOverdrawn: 'list',
    known: 'list',
    use: 'write',
    unuse: 'upkeep',
  },
  data: { read: 'read', write: 'write' },
  releases: { beginRelease: 'write', leaseReleasing: 'upkeep', finishRelease: 'upkeep' },
  fleet: {
    heartbeat: 'write',
    listProcesses: 'read',
    dropProcess: 'upkeep',
    listHeld: 'list',
    listNodes: 'list',
    forgetNode: 'upkeep',
  },
  clock: { anchor: 'write', read: 'read', doubt: 'write', trust: 'write', forgetAfter: 'write' },
  feed: { read: 'read' },
  ledger: {
    identity: 'read',
    totals: 'read',
    recordRun: 'upkeep',
    listRuns: 'read',
    noteFailures: 'upkeep',
    forgetFailures: 'upkeep',
    listFailures: 'read',
  },
  rates: { count: 'write' },
  budgets: { ofUser: 'read', listUsers: 'list', countUsers: 'list' },
  journal: { key: 'read', append: 'upkeep', read: 'list', prune: 'upkeep', forgetUser: 'upkeep' },
  audit: {
    append: 'write',
    read: 'list',
    countWrongToken: 'upkeep',
    listWrongTokens: 'list',
    prune: 'upkeep',
  },
  trends: { add: 'upkeep', read: 'list', prune: 'upkeep' },
  inspection: { check: 'list', recheck: 'list', repair: 'upkeep' },
};

export const OPERATION_NAMES: readonly OperationName[] = Object.entries(STORE_OPERATIONS).flatMap(
  ([group, operations]) =>
    Object.keys(operations).map((operation) => `${group}.${operation}` as OperationName),
);

/** An operation of any signature. */
export type Operation = (...args: unknown[]) => Promise<unknown>;

/** Builds groups of the operations that `make` returns for their names. */
export function makeGroups(make: (name: OperationName) => Operation): StoreGroups {
  const groups: Record<string, Record<string, Operation>> = {};
  for (const name of OPERATION_NAMES) {
    const [group, operation] = partsOf(name);
    (groups[group] ??= {})[operation] = make(name);
  }
  return groups as Record<GroupName, object> as StoreGroups;
}

/** The same groups with `wrap` around every operation, e.g. to time them. */
export function wrapGroups(
  groups: StoreGroups,
  wrap: (operation: Operation, name: OperationName) => Operation,
): StoreGroups {
  return makeGroups((name) => wrap(operationOf(groups, name) as Operation, name));
}

/** An operation by its name, looked up at each call. */
export function operationOf(
  groups: Readonly<Partial<Record<GroupName, object>>>,
  name: OperationName,
): (...args: unknown[]) => unknown {
  const [group, operation] = partsOf(name);
  const owner = (groups[group] ?? {}) as Record<string, (...args: unknown[]) => unknown>;
  return (...args) => {
    const found = owner[operation];
    if (found === undefined) throw new TypeError(`The store has no operation ${name}`);
    return found.apply(owner, args);
  };
}

export function kindOf(name: OperationName): OperationKind {
  return KINDS.get(name) ?? 'write';
}

/** Whether the operation changes nothing. */
export function isRead(name: OperationName): boolean {
  const kind = kindOf(name);
  return kind === 'read' || kind === 'list';
}

const KINDS: ReadonlyMap<OperationName, OperationKind> = new Map(
  OPERATION_NAMES.map((name) => {
    const [group, operation] = partsOf(name);
    return [name, Reflect.get(STORE_OPERATIONS[group], operation) as OperationKind];
  }),
);

function partsOf(name: OperationName): [group: GroupName, operation: string] {
  const [group, operation] = name.split('.') as [GroupName, string];
  return [group, operation];
}
