import type { ResourceLimits } from '../../domain/limits.js';
import type { NewResource } from '../../domain/resource.js';
import type { NewSession } from '../../domain/session.js';
import type { Clock, ClockReading } from '../../ports/clock.js';
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

/** Told after each call: how long the store took to answer, and whether it failed to. */
export type StoreCallListener = (durationMs: number, failed: boolean) => void;

/** A store as it is, with one place where its calls are timed and its failures counted. */
export class MeteredStore extends SessionStore {
  override readonly kind: string;
  private readonly listeners = new Set<StoreCallListener>();

  constructor(
    private readonly store: SessionStore,
    private readonly clock: Clock,
  ) {
    super();
    this.kind = store.kind;
  }

  /** What it returns ends the subscription. */
  onCall(listener: StoreCallListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  override connect() {
    return this.store.connect();
  }

  override close() {
    return this.store.close();
  }

  override identity() {
    return this.timed(() => this.store.identity());
  }

  override anchorClock(reading: ClockReading) {
    return this.timed(() => this.store.anchorClock(reading));
  }

  override open(session: NewSession, maxSessions: number) {
    return this.timed(() => this.store.open(session, maxSessions));
  }

  override findByToken(tokenHash: string) {
    return this.timed(() => this.store.findByToken(tokenHash));
  }

  override find(sessionId: string) {
    return this.timed(() => this.store.find(sessionId));
  }

  override touch(touches: readonly Touch[]) {
    return this.timed(() => this.store.touch(touches));
  }

  override bindUser(sessionId: string, epoch: number, userId: string) {
    return this.timed(() => this.store.bindUser(sessionId, epoch, userId));
  }

  override rotate(sessionId: string, epoch: number, tokenHash: string, at: number) {
    return this.timed(() => this.store.rotate(sessionId, epoch, tokenHash, at));
  }

  override beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition) {
    return this.timed(() => this.store.beginEnd(sessionId, end, only));
  }

  override leaseEnding(claim: Claim) {
    return this.timed(() => this.store.leaseEnding(claim));
  }

  override finishEnd(sessionId: string, nodeId: string, at: number) {
    return this.timed(() => this.store.finishEnd(sessionId, nodeId, at));
  }

  override findIdle(at: number, limit: number) {
    return this.timed(() => this.store.findIdle(at, limit));
  }

  override findExpired(at: number, limit: number) {
    return this.timed(() => this.store.findExpired(at, limit));
  }

  override findDisposable(limit: number) {
    return this.timed(() => this.store.findDisposable(limit));
  }

  override countDue(at: number) {
    return this.timed(() => this.store.countDue(at));
  }

  override dropTombstones(at: number, limit: number) {
    return this.timed(() => this.store.dropTombstones(at, limit));
  }

  override list(query: SessionQuery) {
    return this.timed(() => this.store.list(query));
  }

  override readFeed(position: FeedPosition | null, limit: number) {
    return this.timed(() => this.store.readFeed(position, limit));
  }

  override onChange(listener: () => void) {
    return this.store.onChange(listener);
  }

  override reserve(resource: NewResource, limits: ResourceLimits) {
    return this.timed(() => this.store.reserve(resource, limits));
  }

  override grow(resourceId: string, bytes: number, limits: ResourceLimits) {
    return this.timed(() => this.store.grow(resourceId, bytes, limits));
  }

  override settle(resourceId: string, settled: Settled) {
    return this.timed(() => this.store.settle(resourceId, settled));
  }

  override findResource(resourceId: string) {
    return this.timed(() => this.store.findResource(resourceId));
  }

  override listResources(sessionIds: readonly string[]) {
    return this.timed(() => this.store.listResources(sessionIds));
  }

  override knownResources(sessionIds: readonly string[]) {
    return this.timed(() => this.store.knownResources(sessionIds));
  }

  override use(resourceId: string, processId: string, at: number) {
    return this.timed(() => this.store.use(resourceId, processId, at));
  }

  override unuse(resourceId: string, processId: string, at: number) {
    return this.timed(() => this.store.unuse(resourceId, processId, at));
  }

  override beginRelease(victims: readonly Victim[], lease: Lease, only: 'unused' | 'any') {
    return this.timed(() => this.store.beginRelease(victims, lease, only));
  }

  override leaseReleasing(claim: Claim) {
    return this.timed(() => this.store.leaseReleasing(claim));
  }

  override finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted') {
    return this.timed(() => this.store.finishRelease(resourceIds, kind));
  }

  override heartbeat(beat: Heartbeat) {
    return this.timed(() => this.store.heartbeat(beat));
  }

  override listProcesses() {
    return this.timed(() => this.store.listProcesses());
  }

  override dropProcess(processId: string, silentSince: number) {
    return this.timed(() => this.store.dropProcess(processId, silentSince));
  }

  override listNodes() {
    return this.timed(() => this.store.listNodes());
  }

  override forgetNode(nodeId: string, silentSince: number, at: number) {
    return this.timed(() => this.store.forgetNode(nodeId, silentSince, at));
  }

  override recordRun(run: JobRun) {
    return this.timed(() => this.store.recordRun(run));
  }

  override listRuns() {
    return this.timed(() => this.store.listRuns());
  }

  override totals() {
    return this.timed(() => this.store.totals());
  }

  private async timed<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const startedAt = this.clock.monotonic();
    let failed = true;
    try {
      const answer = await call();
      failed = false;
      return answer;
    } finally {
      const durationMs = this.clock.monotonic() - startedAt;
      for (const listener of this.listeners) listener(durationMs, failed);
    }
  }
}
