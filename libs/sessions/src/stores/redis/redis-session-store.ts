import { randomUUID } from 'node:crypto';
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
import { withTimeout } from './connection/with-timeout.js';
import { RedisConnection } from './connection/redis.connection.js';
import { unavailable, storeError } from './connection/redis.errors.js';
import { ChangeNotifications } from './feed/change-notifications.js';
import { RedisOperations } from './redis.operations.js';
import { redisSettingsOf, type RedisSessionStoreOptions } from './connection/redis.settings.js';

/**
 * Sessions in Redis 7 or later, or Valkey: one server or a cluster, shared by any number of machines. Each change is one
 * script, and durable as far as Redis is: what a master had not told its replica when it died is lost. Ends, binds and
 * rotations are held to more: where the master has a replica they are answered when one has them, or after a few tenths of
 * a second, and whoever made one in the last minute makes it again after a change of master, when it next reads the feed.
 */
export class RedisSessionStore extends SessionStore {
  override readonly kind = 'redis';
  readonly #connection: RedisConnection;
  readonly #operations: RedisOperations;
  readonly #notifications: ChangeNotifications;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #mustExist: boolean;
  readonly #timeoutMs: number;
  #isConnected = false;

  constructor(options: RedisSessionStoreOptions) {
    super();
    const { clients, layout, mustExist, timeoutMs } = redisSettingsOf(options);
    this.#mustExist = mustExist;
    this.#timeoutMs = timeoutMs;
    this.#connection = new RedisConnection(clients, timeoutMs);
    const apart = clients.apart();
    this.#operations = new RedisOperations(
      this.#connection,
      apart && new RedisConnection(apart, timeoutMs),
      layout,
    );
    this.#notifications = new ChangeNotifications(clients, layout.changes);
  }

  override async connect() {
    if (this.#isConnected) return;
    try {
      await this.#connection.connect();
      if (this.#mustExist) await this.#operations.expectStore();
      await this.#operations.prepare(randomUUID());
      this.#isConnected = true;
    } catch (error) {
      await this.#disconnect();
      throw storeError(error);
    }
  }

  override async close() {
    this.#isConnected = false;
    this.#notifications.close();
    await Promise.allSettled(this.#underWay);
    await this.#operations.counts.settled();
    await this.#disconnect();
  }

  /** How many ends, binds and rotations were made though no replica said in 100 ms that it has them. 0 without replicas. */
  get unconfirmed(): number {
    return this.#operations.durable.unconfirmed;
  }

  override identity() {
    return this.#perform((operations) => operations.identity(randomUUID()));
  }

  override anchorClock(reading: ClockReading) {
    return this.#perform(({ fleet }) => fleet.anchorClock(reading));
  }

  override open(session: NewSession, maxSessions: number) {
    return this.#answer(({ sessions }) => sessions.open(session, maxSessions));
  }

  override findByToken(tokenHash: string) {
    return this.#answer(({ sessions }) => sessions.findByToken(tokenHash));
  }

  override find(sessionId: string) {
    return this.#answer(({ sessions }) => sessions.find(sessionId));
  }

  override touch(touches: readonly Touch[]) {
    return this.#perform(({ sessions }) => sessions.touch(touches));
  }

  override bindUser(sessionId: string, epoch: number, userId: string) {
    return this.#answer(async ({ sessions, recent }) => {
      const answer = await sessions.bindUser(sessionId, epoch, userId);
      if (answer === 'bound') recent.note(sessionId, { kind: 'bind', epoch, userId });
      return answer;
    });
  }

  override rotate(sessionId: string, epoch: number, tokenHash: string, at: number) {
    return this.#answer(async ({ sessions, recent }) => {
      const answer = await sessions.rotate(sessionId, epoch, tokenHash, at);
      if (answer === 'rotated') recent.note(sessionId, { kind: 'rotate', epoch, tokenHash, at });
      return answer;
    });
  }

  override beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition) {
    return this.#answer(async ({ endings, recent }) => {
      const session = await endings.beginEnd(sessionId, end, only);
      if (session) recent.note(sessionId, { kind: 'end', end });
      return session;
    });
  }

  override leaseEnding(claim: Claim) {
    return this.#perform(({ endings }) => endings.leaseEnding(claim));
  }

  override finishEnd(sessionId: string, nodeId: string, at: number) {
    return this.#perform(({ endings }) => endings.finishEnd(sessionId, nodeId, at));
  }

  override findIdle(at: number, limit: number) {
    return this.#perform(({ endings }) => endings.findIdle(at, limit));
  }

  override findExpired(at: number, limit: number) {
    return this.#perform(({ endings }) => endings.findExpired(at, limit));
  }

  override findDisposable(limit: number) {
    return this.#perform(({ endings }) => endings.findDisposable(limit));
  }

  override countDue(at: number) {
    return this.#perform(({ endings }) => endings.countDue(at));
  }

  override dropTombstones(at: number, limit: number) {
    return this.#perform(({ endings }) => endings.dropTombstones(at, limit));
  }

  override list(query: SessionQuery) {
    return this.#perform(({ listings }) => listings.list(query));
  }

  override readFeed(position: FeedPosition | null, limit: number) {
    return this.#perform(async ({ feed, recent, durable }) => {
      const read = await feed.read(position, limit);
      if (read.reset) {
        durable.startAnew();
        recent.doubtAll();
      }
      await recent.makeAgain();
      return read;
    });
  }

  override onChange(listener: () => void) {
    return this.#notifications.listen(listener);
  }

  override reserve(resource: NewResource, limits: ResourceLimits) {
    return this.#answer(({ resources }) => resources.reserve(resource, limits));
  }

  override grow(resourceId: string, bytes: number, limits: ResourceLimits) {
    return this.#answer(({ resources }) => resources.grow(resourceId, bytes, limits));
  }

  override settle(resourceId: string, settled: Settled) {
    return this.#answer(({ resources }) => resources.settle(resourceId, settled));
  }

  override findResource(resourceId: string) {
    return this.#answer(({ resources }) => resources.findResource(resourceId));
  }

  override listResources(sessionIds: readonly string[]) {
    return this.#perform(({ resources }) => resources.listResources(sessionIds));
  }

  override knownResources(sessionIds: readonly string[]) {
    return this.#perform(({ resources }) => resources.knownResources(sessionIds));
  }

  override use(resourceId: string, processId: string, at: number) {
    return this.#answer(({ resources }) => resources.use(resourceId, processId, at));
  }

  override unuse(resourceId: string, processId: string, at: number) {
    return this.#perform(({ resources }) => resources.unuse(resourceId, processId, at));
  }

  override beginRelease(victims: readonly Victim[], lease: Lease, only: 'unused' | 'any') {
    return this.#perform(({ releases }) => releases.beginRelease(victims, lease, only));
  }

  override leaseReleasing(claim: Claim) {
    return this.#perform(async ({ fleet, releases }) => {
      await fleet.freeLost();
      return releases.leaseReleasing(claim);
    });
  }

  override finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted') {
    return this.#perform(({ releases }) => releases.finishRelease(resourceIds, kind));
  }

  override heartbeat(beat: Heartbeat) {
    return this.#perform(({ fleet }) => fleet.heartbeat(beat));
  }

  override listProcesses() {
    return this.#perform(({ fleet }) => fleet.listProcesses());
  }

  override dropProcess(processId: string, silentSince: number) {
    return this.#perform(({ fleet }) => fleet.dropProcess(processId, silentSince));
  }

  override listNodes() {
    return this.#perform(({ nodes }) => nodes.list());
  }

  override forgetNode(nodeId: string, silentSince: number, at: number) {
    return this.#perform(({ nodes }) => nodes.forget(nodeId, silentSince, at));
  }

  override recordRun(run: JobRun) {
    return this.#perform(({ fleet }) => fleet.recordRun(run));
  }

  override listRuns() {
    return this.#perform(({ fleet }) => fleet.listRuns());
  }

  override totals() {
    return this.#perform(({ totals }) => totals.read());
  }

  async #disconnect(): Promise<void> {
    await Promise.all([this.#connection.close(), this.#operations.durable.close()]);
  }

  /** What a request waits for: all of it within the time limit. What was begun goes on. */
  #answer<Answer>(work: (operations: RedisOperations) => Promise<Answer>): Promise<Answer> {
    return this.#told(() => withTimeout(this.#finishing(work(this.#operations)), this.#timeoutMs));
  }

  #perform<Answer>(work: (operations: RedisOperations) => Promise<Answer>): Promise<Answer> {
    return this.#told(() => this.#finishing(work(this.#operations)));
  }

  async #told<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (!this.#isConnected) throw unavailable('The session store is not connected');
    try {
      return await work();
    } catch (error) {
      throw storeError(error);
    }
  }

  /** What is begun before a close is finished by it, however many commands it takes. */
  #finishing<Answer>(working: Promise<Answer>): Promise<Answer> {
    this.#underWay.add(working);
    const over = (): void => void this.#underWay.delete(working);
    working.then(over, over);
    return working;
  }
}
