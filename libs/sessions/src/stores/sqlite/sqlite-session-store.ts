import { resolve } from 'node:path';
import type { ResourceLimits } from '../../domain/limits.js';
import type { NewResource } from '../../domain/resource.js';
import type { NewSession } from '../../domain/session.js';
import { refuseOldNode } from '../../domain/supported-node.js';
import type { ClockReading } from '../../ports/clock.js';
import {
  SessionStore,
  type BeginEnd,
  type Claim,
  type EndCondition,
  type FeedPosition,
  type Heartbeat,
  type JobRun,
  type Lease,
  type SessionQuery,
  type Settled,
  type Touch,
  type Victim,
} from '../../ports/session-store.js';
import { SqliteClient } from './sqlite.client.js';

export interface SqliteSessionStoreOptions {
  /** Where the database is or shall be. Its folder is made, for this user alone, where it is missing. */
  readonly path: string;
  /** Whether `connect` rejects with `STORE_UNAVAILABLE`, and makes nothing, where there is no database yet. Default: no. */
  readonly mustExist?: boolean;
  /** How long an operation waits for other processes before it rejects with `STORE_UNAVAILABLE`. Default: 5,000. */
  readonly busyTimeoutMs?: number;
  /** The size beyond which the database does not grow, as if the disk were full. Default: none. */
  readonly maxBytes?: number;
  /** Called when the disk is full, to make room; what could not be written is then tried once more. */
  readonly onDiskFull?: () => Promise<void>;
}

/**
 * Sessions in one SQLite file, shared by any number of processes of one machine. All work is done in worker threads:
 * the event loop never waits for a lock or for the disk. What is asked for at the same time is committed together, and
 * each promise resolves once its commit is on the disk. Reads have a thread of their own, and wait for no write. The
 * threads keep the process alive only while an answer is due.
 */
export class SqliteSessionStore extends SessionStore {
  override readonly kind = 'sqlite';
  readonly #client: SqliteClient;

  constructor(options: SqliteSessionStoreOptions) {
    super();
    this.#client = new SqliteClient({
      path: resolve(options.path),
      mustExist: options.mustExist ?? false,
      busyTimeoutMs: options.busyTimeoutMs ?? 5000,
      maxBytes: options.maxBytes ?? null,
      onDiskFull: options.onDiskFull ?? null,
    });
  }

  override async connect() {
    // An older Node.js has no SQLite: the worker threads could not even say so.
    refuseOldNode(process.versions.node);
    return this.#client.connect();
  }

  override close() {
    return this.#client.close();
  }

  override identity() {
    return this.#client.call('identity');
  }

  override anchorClock(reading: ClockReading) {
    return this.#client.call('anchorClock', reading);
  }

  override open(session: NewSession, maxSessions: number) {
    return this.#client.call('open', session, maxSessions);
  }

  override findByToken(tokenHash: string) {
    return this.#client.call('findByToken', tokenHash);
  }

  override find(sessionId: string) {
    return this.#client.call('find', sessionId);
  }

  override touch(touches: readonly Touch[]) {
    return this.#client.call('touch', touches);
  }

  override bindUser(sessionId: string, epoch: number, userId: string) {
    return this.#client.call('bindUser', sessionId, epoch, userId);
  }

  override rotate(sessionId: string, epoch: number, tokenHash: string, at: number) {
    return this.#client.call('rotate', sessionId, epoch, tokenHash, at);
  }

  override beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition) {
    return this.#client.call('beginEnd', sessionId, end, only);
  }

  override leaseEnding(claim: Claim) {
    return this.#client.call('leaseEnding', claim);
  }

  override finishEnd(sessionId: string, nodeId: string, at: number) {
    return this.#client.call('finishEnd', sessionId, nodeId, at);
  }

  override findIdle(at: number, limit: number) {
    return this.#client.call('findIdle', at, limit);
  }

  override findExpired(at: number, limit: number) {
    return this.#client.call('findExpired', at, limit);
  }

  override findDisposable(limit: number) {
    return this.#client.call('findDisposable', limit);
  }

  override countDue(at: number) {
    return this.#client.call('countDue', at);
  }

  override dropTombstones(at: number, limit: number) {
    return this.#client.call('dropTombstones', at, limit);
  }

  override list(query: SessionQuery) {
    return this.#client.call('list', query);
  }

  override readFeed(position: FeedPosition | null, limit: number) {
    return this.#client.call('readFeed', position, limit);
  }

  override reserve(resource: NewResource, limits: ResourceLimits) {
    return this.#client.call('reserve', resource, limits);
  }

  override grow(resourceId: string, bytes: number, limits: ResourceLimits) {
    return this.#client.call('grow', resourceId, bytes, limits);
  }

  override settle(resourceId: string, settled: Settled) {
    return this.#client.call('settle', resourceId, settled);
  }

  override findResource(resourceId: string) {
    return this.#client.call('findResource', resourceId);
  }

  override listResources(sessionIds: readonly string[]) {
    return this.#client.call('listResources', sessionIds);
  }

  override knownResources(sessionIds: readonly string[]) {
    return this.#client.call('knownResources', sessionIds);
  }

  override use(resourceId: string, processId: string, at: number) {
    return this.#client.call('use', resourceId, processId, at);
  }

  override unuse(resourceId: string, processId: string, at: number) {
    return this.#client.call('unuse', resourceId, processId, at);
  }

  override beginRelease(victims: readonly Victim[], lease: Lease, only: 'unused' | 'any') {
    return this.#client.call('beginRelease', victims, lease, only);
  }

  override leaseReleasing(claim: Claim) {
    return this.#client.call('leaseReleasing', claim);
  }

  override finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted') {
    return this.#client.call('finishRelease', resourceIds, kind);
  }

  override heartbeat(beat: Heartbeat) {
    return this.#client.call('heartbeat', beat);
  }

  override listProcesses() {
    return this.#client.call('listProcesses');
  }

  override dropProcess(processId: string, silentSince: number) {
    return this.#client.call('dropProcess', processId, silentSince);
  }

  override listNodes() {
    return this.#client.call('listNodes');
  }

  override forgetNode(nodeId: string, silentSince: number, at: number) {
    return this.#client.call('forgetNode', nodeId, silentSince, at);
  }

  override recordRun(run: JobRun) {
    return this.#client.call('recordRun', run);
  }

  override listRuns() {
    return this.#client.call('listRuns');
  }

  override totals() {
    return this.#client.call('totals');
  }
}
