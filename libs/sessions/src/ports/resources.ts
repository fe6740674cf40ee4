import type { BudgetLimits, Quota } from '../domain/budgets.js';
import type { Candidate } from '../domain/eviction.js';
import type { ResourceLimits } from '../domain/limits.js';
import type { NewResource, ResourceRecord } from '../domain/resource.js';
import type { Authority } from '../domain/session.js';
import type { Lease } from './endings.js';
import type { DeedNote } from './record/journal.js';
import type { Refused } from './sessions.js';

/**
 * Creates, finds and uses resources: `reserve → grow → complete → place → use`. A call with an authority acts for a
 * `Session` object: it is refused as `stale` if that is not the authority of the session's current token. `null` is not
 * compared.
 */
export abstract class ResourcesGroup {
  /**
   * Adds a resource to an open session, a stream as `ready`, a file as `writing`; `full` if `limits` do not admit it (see
   * `admitsFile`, `admitsStream`); a quota if the limits of the budgets do not admit a file (see `brokenQuota`). Of what is on its
   * way out, only the files of the resource's own node count. A repeat answers `reserved`. `budgets`: none by default. A store that
   * keeps its sessions on several servers may keep none.
   */
  abstract reserve(
    resource: NewResource,
    authority: Authority | null,
    limits: ResourceLimits,
    budgets?: BudgetLimits | null,
  ): Promise<'reserved' | 'full' | Quota | Refused>;

  /** Reserves `bytes` more for a resource in state `writing`; `gone` also if its session is not open. */
  abstract grow(
    resourceId: string,
    authority: Authority | null,
    bytes: number,
    limits: ResourceLimits,
    budgets?: BudgetLimits | null,
  ): Promise<'grown' | 'full' | Quota | Refused>;

  /**
   * Notes since when a file in state `writing` has received no bytes; `null`: it receives some again. Answers whether it is
   * still in that state, and its session open.
   */
  abstract noteStall(resourceId: string, since: number | null): Promise<boolean>;

  /**
   * `writing → complete` with the actual size; rejects with `INVALID_ARGUMENT` if that is more than reserved. `gone` also
   * if its session is not open. A repeat answers the record as it is.
   */
  abstract complete(
    resourceId: string,
    authority: Authority | null,
    completed: Completed,
  ): Promise<ResourceRecord | Refused>;

  /**
   * Gives the files of one request their places, and marks `releasing` what must go for them, all in one step: walks the
   * candidates in their order, skips those in use or changed, and stops when the files fit. `full`, with nothing changed, if
   * they do not fit even then; with `overdraw` the files become `ready` all the same, and are overdrawn until a later
   * `place`. `gone` also if one of the files is not `complete` or `ready`. A repeat answers as the first did.
   */
  abstract place(placement: Placement): Promise<Placed | 'full' | Refused>;

  /** A resource in any state; `null` for none. */
  abstract find(resourceId: string): Promise<ResourceRecord | null>;

  /** A resource of this session, in any state; `null` for none. */
  abstract findOf(
    sessionId: string,
    authority: Authority | null,
    resourceId: string,
  ): Promise<ResourceRecord | 'stale' | null>;

  /** All resources of these sessions, in any state, oldest first. */
  abstract list(sessionIds: readonly string[]): Promise<ResourceRecord[]>;

  /** Overdrawn resources that `place` was last called for at or before `at`, the earliest first. */
  abstract listOverdrawn(at: number, limit: number): Promise<ResourceRecord[]>;

  /**
   * For each session, in the given order, the ids of its resources in any state, packed (see `packIds`); empty for none. The
   * orphan scan asks for hundreds of sessions at once.
   */
  abstract known(sessionIds: readonly string[]): Promise<readonly string[]>;

  /**
   * Begins a read by `processId`: in use until `unuse`. `null` unless the resource is readable (see `isReadable`) and its
   * session open.
   */
  abstract use(
    resourceId: string,
    authority: Authority | null,
    processId: string,
    at: number,
  ): Promise<ResourceRecord | 'stale' | null>;

  /** Ends one read, and moves last use forward to `at`. Answers whether the session has overdrawn files to place now. */
  abstract unuse(resourceId: string, processId: string, at: number): Promise<boolean>;
}

export interface Completed {
  readonly sizeBytes: number;
  /** `null` keeps the reserved one. */
  readonly mediaType: string | null;
  readonly at: number;
}

export interface Placement {
  readonly sessionId: string;
  readonly authority: Authority | null;
  /** The files of one request. */
  readonly resourceIds: readonly string[];
  /** What may be evicted for them, in this order (see `evictionOrder`). */
  readonly candidates: readonly Candidate[];
  readonly limits: ResourceLimits;
  readonly overdraw: boolean;
  readonly at: number;
  /** On the victims. A victim of another node is left for that node to lease. */
  readonly lease: Lease;
  /** Enters `evicted` for each victim. Default: nothing is entered. */
  readonly note?: DeedNote | null;
}

export interface Placed {
  /** The files as they are now, in the order of the placement. */
  readonly files: readonly ResourceRecord[];
  /** What was evicted for them, in the order of the candidates, unless its files are deleted already. */
  readonly victims: readonly ResourceRecord[];
  /** Whether the session has overdrawn files now: these, or others that may take their places now. */
  readonly hasOverdrawn: boolean;
}
