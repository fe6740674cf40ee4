/**
 * What may be wrong with the data of a store:
 * - `session-counts`, `data-bytes`: a session counts other resources or data than it has.
 * - `budget`: that of a user, a network or all is not the sum of its sessions.
 * - `totals`: open or ending sessions, or the active resources of a type, are counted wrongly.
 * - `journal-bytes`: so are the bytes of timelines or audit.
 * - `uses`: a resource counts other reads than processes have begun.
 * - `index`: an index has entries without their record, or lacks those of a record.
 * - `lost-rows`: rows of sessions or resources that are not there.
 * - `end-parts`: no node finishes the end of a session, or one finishes an end that never began.
 * - `change-counter`: it is behind the changes of sessions, so that the feed would skip the next ones.
 * - `unowned`: uploads, reads or streams of a process that the store does not list.
 * - `lease`: one that ends later than any process could have taken it for.
 * - `unknown-node`: files of a node that the store does not list.
 * - `overdue`: an end or release whose lease expired long ago.
 * - `unreadable`: a record that no process can read. `integrity`: pages of the database.
 * - `server-settings`: those of the database server, or its state.
 */
export type StoreFault =
  | 'session-counts'
  | 'data-bytes'
  | 'budget'
  | 'totals'
  | 'journal-bytes'
  | 'uses'
  | 'index'
  | 'lost-rows'
  | 'end-parts'
  | 'change-counter'
  | 'unowned'
  | 'lease'
  | 'unknown-node'
  | 'overdue'
  | 'unreadable'
  | 'integrity'
  | 'server-settings';

/** Those that `repair` mends nothing of. */
export const NOT_MENDED: ReadonlySet<StoreFault> = new Set<StoreFault>([
  'overdue',
  'unreadable',
  'integrity',
  'server-settings',
]);

/** Compares what a store keeps beside its records with the records, while other processes use it, and mends it. */
export abstract class InspectionGroup {
  /**
   * Checks the next part of the store, of bounded size, and changes nothing; `null` begins. What concerns no process that
   * died or is suspended is compared at one moment.
   */
  abstract check(cursor: InspectionCursor | null, at: number): Promise<Inspected>;

  /** Looks at the subject of a finding again: what is wrong there now; `null` for nothing. */
  abstract recheck(finding: StoreFinding, at: number): Promise<StoreFinding | null>;

  /**
   * Mends the subject of a finding in one step, which derives anew from the records what is written. Answers whether it changed something:
   * not if nothing is wrong there any more, nor for those in `NOT_MENDED`.
   */
  abstract repair(finding: StoreFinding, at: number): Promise<boolean>;
}

/** A position in a check. Opaque: only its store can interpret it. */
export type InspectionCursor = string;

export interface StoreFinding {
  readonly fault: StoreFault;
  /** The part of the check that found it. Opaque. */
  readonly part: string;
  /** The id of a session, resource, process or node, the name of a budget, table or setting. */
  readonly subject: string;
  /** What is kept and what was found, for operators. */
  readonly detail: string;
}

export interface Inspected {
  readonly findings: readonly StoreFinding[];
  /** Where to go on; `null` after the last part. */
  readonly next: InspectionCursor | null;
}
