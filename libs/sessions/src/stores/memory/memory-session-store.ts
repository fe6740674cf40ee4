import { SessionsError } from '../../domain/errors.js';
import type { ResourceLimits } from '../../domain/limits.js';
import type { NewResource } from '../../domain/resource.js';
import type { NewSession } from '../../domain/session.js';
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
import { MemoryData } from './memory.data.js';
import { MemoryEndings } from './memory.endings.js';
import { MemoryFleet } from './memory.fleet.js';
import { MemoryNodes } from './memory.nodes.js';
import { MemoryReleases } from './memory.releases.js';
import { MemoryResources } from './memory.resources.js';
import { MemorySessions } from './memory.sessions.js';

/**
 * Sessions in the memory of this process, for tests: simple, correct, and gone with it. It keeps what it holds over
 * `close` and the next `connect`. Every call is carried out at once, in full, before the next one; its promise resolves
 * afterwards.
 */
export class MemorySessionStore extends SessionStore {
  override readonly kind = 'memory';
  readonly #parts = memoryParts();
  #isConnected = false;

  override async connect() {
    this.#isConnected = true;
  }

  override async close() {
    this.#isConnected = false;
  }

  override async identity() {
    const { generation, counter } = this.#ready().data;
    return { generation, counter };
  }

  override async anchorClock(reading: ClockReading) {
    return this.#ready().processes.anchorClock(reading);
  }

  override async open(session: NewSession, maxSessions: number) {
    return this.#ready().sessions.open(session, maxSessions);
  }

  override async findByToken(tokenHash: string) {
    return this.#ready().sessions.findByToken(tokenHash);
  }

  override async find(sessionId: string) {
    return this.#ready().sessions.find(sessionId);
  }

  override async touch(touches: readonly Touch[]) {
    return this.#ready().sessions.touch(touches);
  }

  override async bindUser(sessionId: string, epoch: number, userId: string) {
    return this.#ready().sessions.bindUser(sessionId, epoch, userId);
  }

  override async rotate(sessionId: string, epoch: number, tokenHash: string, at: number) {
    return this.#ready().sessions.rotate(sessionId, epoch, tokenHash, at);
  }

  override async beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition) {
    return this.#ready().endings.beginEnd(sessionId, end, only);
  }

  override async leaseEnding(claim: Claim) {
    return this.#ready().endings.leaseEnding(claim);
  }

  override async finishEnd(sessionId: string, nodeId: string, at: number) {
    return this.#ready().endings.finishEnd(sessionId, nodeId, at);
  }

  override async findIdle(at: number, limit: number) {
    return this.#ready().endings.findIdle(at, limit);
  }

  override async findExpired(at: number, limit: number) {
    return this.#ready().endings.findExpired(at, limit);
  }

  override async findDisposable(limit: number) {
    return this.#ready().endings.findDisposable(limit);
  }

  override async countDue(at: number) {
    return this.#ready().endings.countDue(at);
  }

  override async dropTombstones(at: number, limit: number) {
    return this.#ready().endings.dropTombstones(at, limit);
  }

  override async list(query: SessionQuery) {
    return this.#ready().sessions.list(query);
  }

  override async readFeed(position: FeedPosition | null, limit: number) {
    return this.#ready().sessions.readFeed(position, limit);
  }

  override async reserve(resource: NewResource, limits: ResourceLimits) {
    return this.#ready().resources.reserve(resource, limits);
  }

  override async grow(resourceId: string, bytes: number, limits: ResourceLimits) {
    return this.#ready().resources.grow(resourceId, bytes, limits);
  }

  override async settle(resourceId: string, settled: Settled) {
    return this.#ready().resources.settle(resourceId, settled);
  }

  override async findResource(resourceId: string) {
    return this.#ready().resources.findResource(resourceId);
  }

  override async listResources(sessionIds: readonly string[]) {
    return this.#ready().resources.listResources(sessionIds);
  }

  override async knownResources(sessionIds: readonly string[]) {
    return this.#ready().resources.knownResources(sessionIds);
  }

  override async use(resourceId: string, processId: string, at: number) {
    return this.#ready().resources.use(resourceId, processId, at);
  }

  override async unuse(resourceId: string, processId: string, at: number) {
    return this.#ready().resources.unuse(resourceId, processId, at);
  }

  override async beginRelease(victims: readonly Victim[], lease: Lease, only: 'unused' | 'any') {
    return this.#ready().releases.beginRelease(victims, lease, only);
  }

  override async leaseReleasing(claim: Claim) {
    return this.#ready().releases.leaseReleasing(claim);
  }

  override async finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted') {
    return this.#ready().releases.finishRelease(resourceIds, kind);
  }

  override async heartbeat(beat: Heartbeat) {
    return this.#ready().processes.heartbeat(beat);
  }

  override async listProcesses() {
    return this.#ready().processes.listProcesses();
  }

  override async dropProcess(processId: string, silentSince: number) {
    return this.#ready().processes.dropProcess(processId, silentSince);
  }

  override async listNodes() {
    return this.#ready().nodes.list();
  }

  override async forgetNode(nodeId: string, silentSince: number, at: number) {
    return this.#ready().nodes.forget(nodeId, silentSince, at);
  }

  override async recordRun(run: JobRun) {
    return this.#ready().processes.recordRun(run);
  }

  override async listRuns() {
    return this.#ready().processes.listRuns();
  }

  override async totals() {
    return this.#ready().processes.totals();
  }
  #ready() {
    if (this.#isConnected) return this.#parts;
    throw new SessionsError('STORE_UNAVAILABLE', 'The session store is not connected', {
      retryAfterSeconds: 1,
    });
  }
}

function memoryParts() {
  const data = new MemoryData();
  const releases = new MemoryReleases(data);
  const endings = new MemoryEndings(data, releases);
  return {
    data,
    releases,
    sessions: new MemorySessions(data),
    endings,
    nodes: new MemoryNodes(data, endings, releases),
    resources: new MemoryResources(data),
    processes: new MemoryFleet(data, releases),
  };
}
