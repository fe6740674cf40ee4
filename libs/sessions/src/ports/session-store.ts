import type { ResourceLimits } from '../domain/limits.js';
import type { NewResource, ResourceRecord } from '../domain/resource.js';
import type { NewSession, SessionRecord } from '../domain/session.js';
import type { ClockAnchor, ClockReading } from './clock.js';
import type { Heartbeat, JobRecord, JobRun, NodeRecord, StoreTotals } from './store-bookkeeping.js';
import type { Feed, FeedPosition, SessionQuery, StoreIdentity, TokenMatch } from './store-reads.js';
import type {
  BeginEnd,
  Claim,
  EndCondition,
  EndingSession,
  Lease,
  Refused,
  Released,
  Settled,
  Touch,
  Victim,
} from './store-writes.js';

export type * from './store-bookkeeping.js';
export * from './store-reads.js';
export type * from './store-writes.js';

/**
 * Remembers sessions and what they own. It decides nothing: instants are passed in, limits too, and each write is
 * conditional, so that of two processes deciding at once only one is right.
 *
 * What every store promises:
 * - Each method is atomic, and durable when its promise resolves, but for touches and heartbeats.
 * - Absence is an answer, never an error. Nothing but `open` creates a session; no write revives an ended one.
 * - Any method may be repeated: the second time changes nothing and answers as told below. Only what counts (`touch`,
 *   `grow`, `use`, `recordRun`) counts again.
 * - A store that cannot answer rejects with `STORE_UNAVAILABLE`; nothing was changed then, or all of it.
 */
export abstract class SessionStore {
  /** A fixed word for logs and metrics: `sqlite`, `redis`, `memory`. */
  abstract readonly kind: string;

  /** Makes the store ready, creating or migrating what it needs. Rejects with `STORE_INCOMPATIBLE` where it cannot serve. */
  abstract connect(): Promise<void>;

  /** Lets everything go. Writes that were accepted are finished first. */
  abstract close(): Promise<void>;

  /** Who this store is, and how far its history has come. */
  abstract identity(): Promise<StoreIdentity>;

  /**
   * The anchor of this boot: `reading` itself where the store had none for its `bootId`, the one kept there otherwise. A
   * store with a clock of its own answers with its wall time at the moment of `reading`, whatever the boot.
   */
  abstract anchorClock(reading: ClockReading): Promise<ClockAnchor>;

  // --- sessions ---------------------------------------------------------------------------------------------------

  /**
   * Adds an open session; `full`, and nothing added, where `maxSessions` are open already. Never overwrites: an id or a
   * token of another session is an `INVALID_ARGUMENT`, and the same session a second time is `opened`, as it is. A store
   * may rely on ids, token hashes and resource ids naming the same bucket (see `domain/bucket`), and refuse others alike.
   */
  abstract open(session: NewSession, maxSessions: number): Promise<'opened' | 'full'>;

  /** The session that has, or had until its last regenerate, this token. Ended ones are found until their tombstone goes. */
  abstract findByToken(tokenHash: string): Promise<TokenMatch | null>;

  abstract find(sessionId: string): Promise<SessionRecord | null>;

  /**
   * Moves last activity forward, never back and never past the session's absolute end, and counts requests. Only open
   * sessions are touched. A touch of one request or more confirms the session. Durable within moments, not at once.
   */
  abstract touch(touches: readonly Touch[]): Promise<void>;

  /** Binds a user to an open session whose epoch is still `epoch`. */
  abstract bindUser(sessionId: string, epoch: number, userId: string): Promise<'bound' | Refused>;

  /** Gives an open session whose epoch is still `epoch` a new token, and its epoch one more. Of two at once, one wins. */
  abstract rotate(
    sessionId: string,
    epoch: number,
    tokenHash: string,
    at: number,
  ): Promise<'rotated' | Refused>;

  /**
   * `open → ending`, for one caller alone: it gets the record, and the lease to finish the end on its node. `null` for
   * everybody else, and where a condition in `only` does not hold. Each other node that holds files of the session has a
   * part in the end too, which is free to be claimed at once: by its clock `end.at` may be still to come.
   */
  abstract beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition): Promise<EndingSession | null>;

  /**
   * Sessions left `ending` whose part on the node of the lease, or that of no node where none holds files, is free:
   * nobody has begun it, or the holder's lease has run out. The oldest first; each is leased to the caller.
   */
  abstract leaseEnding(claim: Claim): Promise<EndingSession[]>;

  /**
   * The node has done its part: drops the records of what it held, and those of streams, and adds what was settled to the
   * totals. `ending → ended` with the last part: a tombstone stays. Address and agent go with the first. Answers what it
   * added; zeros where the session was not `ending`.
   */
  abstract finishEnd(sessionId: string, nodeId: string, at: number): Promise<Released>;

  /** Open sessions whose idle end (see `idleEndsAt`) lies at or before `at`, in the order of those ends. */
  abstract findIdle(at: number, limit: number): Promise<SessionRecord[]>;

  /** Open sessions whose absolute end lies at or before `at`, the oldest first. */
  abstract findExpired(at: number, limit: number): Promise<SessionRecord[]>;

  /** Open sessions with neither a resource nor a user, the least recently used first. */
  abstract findDisposable(limit: number): Promise<SessionRecord[]>;

  /** How many open sessions are due at `at`: idle, and expired. */
  abstract countDue(at: number): Promise<{ readonly idle: number; readonly expired: number }>;

  /** Drops at most `limit` tombstones whose absolute end lies at or before `at`; how many it dropped. */
  abstract dropTombstones(at: number, limit: number): Promise<number>;

  /** One page of open sessions, in the order asked for. */
  abstract list(query: SessionQuery): Promise<SessionRecord[]>;

  /**
   * What changed since `position`: opened, ended, rotated and bound sessions, each once and in its latest shape. `null`
   * starts at now, with no changes.
   */
  abstract readFeed(position: FeedPosition | null, limit: number): Promise<Feed>;

  /**
   * Calls `listener` soon after any process ended, rotated or bound a session: a hint that the feed has something to tell.
   * It may be late, come for nothing, or be missing: whoever follows the feed reads it by the clock too, and only sooner
   * with this. Lasts until `close`, and resolves then; a store without news never calls, and resolves at once. Rejects with
   * `STORE_UNAVAILABLE` where it is not allowed to listen; one that cannot for now goes on trying.
   */
  async onChange(_listener: () => void): Promise<void> {}

  // --- resources --------------------------------------------------------------------------------------------------

  /** Admits one more resource and its bytes into an open session: a stream is `ready`, anything else `writing`. */
  abstract reserve(resource: NewResource, limits: ResourceLimits): Promise<'reserved' | 'gone' | 'full'>;

  /** Reserves `bytes` more for a resource that is being written; `gone` too once its session is no longer open. */
  abstract grow(
    resourceId: string,
    bytes: number,
    limits: ResourceLimits,
  ): Promise<'grown' | 'gone' | 'full'>;

  /**
   * `writing → ready` with the bytes it has in truth (never more than reserved: `INVALID_ARGUMENT`); `null` once its
   * session is no longer open.
   */
  abstract settle(resourceId: string, settled: Settled): Promise<ResourceRecord | null>;

  abstract findResource(resourceId: string): Promise<ResourceRecord | null>;

  /** All resources of these sessions, whatever their state, oldest first. */
  abstract listResources(sessionIds: readonly string[]): Promise<ResourceRecord[]>;

  /**
   * The ids of all resources of each of these sessions, in any state, packed into one text (see `packIds`); in the order of
   * the sessions, and empty for one without. For telling orphans from files: a scan asks for hundreds of sessions at once.
   */
  abstract knownResources(sessionIds: readonly string[]): Promise<readonly string[]>;

  /** Notes a read by `processId`: from now to `unuse` it is in use. `null` unless it is `ready` and its session open. */
  abstract use(resourceId: string, processId: string, at: number): Promise<ResourceRecord | null>;

  /** Ends one read. Last used moves forward to `at`. */
  abstract unuse(resourceId: string, processId: string, at: number): Promise<void>;

  /**
   * Marks resources `releasing`, leased to the caller, and answers those it marked: each at most once. With `only`
   * `'unused'` (an eviction), a resource is passed over unless it is `ready`, not in use, and last used when `victims` says.
   * What lies on another node than the lease's is that node's to claim, and `freed` at once: its count and bytes are given
   * back, and an eviction is counted, whenever that node comes to delete it.
   */
  abstract beginRelease(
    victims: readonly Victim[],
    lease: Lease,
    only: 'unused' | 'any',
  ): Promise<ResourceRecord[]>;

  /**
   * Resources of the lease's node, and streams, left `releasing` by a holder whose lease has run out, oldest lease first;
   * each is leased to the caller.
   */
  abstract leaseReleasing(claim: Claim): Promise<ResourceRecord[]>;

  /**
   * Drops the records of `releasing` resources, their count and bytes unless they are `freed`, and adds what was settled to
   * the totals. Answers what it added.
   */
  abstract finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted'): Promise<Released>;

  // --- instances, jobs, totals ------------------------------------------------------------------------------------

  /** Says that a process lives, and its node with it. */
  abstract heartbeat(beat: Heartbeat): Promise<void>;

  abstract listProcesses(): Promise<Heartbeat[]>;

  /**
   * Strikes a process off, if its last heartbeat still is at or before `silentSince`: its uses are void, and what it
   * was writing and its streams are marked `releasing`, `freed`, and free to be claimed. Whether it did.
   */
  abstract dropProcess(processId: string, silentSince: number): Promise<boolean>;

  /** Every node that was ever heard of and is not forgotten, in the order of the ids. */
  abstract listNodes(): Promise<NodeRecord[]>;

  /**
   * Gives up a node that will not return, if it was last seen at or before `silentSince`: the records of what it held are
   * dropped, and ends that waited for nothing else are finished. Answers what it dropped of settled files; `null` where
   * there is no such node, or it was seen since. A store that fails on the way may be asked again.
   */
  abstract forgetNode(nodeId: string, silentSince: number, at: number): Promise<Released | null>;

  /** Keeps the latest run of a cleanup job, and adds it to the job's totals. */
  abstract recordRun(run: JobRun): Promise<void>;

  abstract listRuns(): Promise<JobRecord[]>;

  /** Totals and gauges, kept up to date with each write: answering costs the same with one session or a million. */
  abstract totals(): Promise<StoreTotals>;
}
