import { idleEndsAt } from '../../../domain/lifetime.js';
import type { SessionRecord } from '../../../domain/session.js';
import type { BeginEnd, Claim, EndCondition, EndingSession, Released } from '../../../ports/session-store.js';
import { compare, type RedisBuckets } from './redis.buckets.js';
import type { RedisDurableWrites } from './redis.durable-writes.js';
import type { BucketKey } from '../scripts/redis.layout.js';
import type { SessionCounts } from './session-counts.js';
import { BEGIN_END, CLAIM_ENDING, DROP_TOMBSTONES, FINISH_END } from '../scripts/redis.scripts.endings.js';
import { COUNT_UP_TO } from '../scripts/redis.scripts.listings.js';
import type { RedisSessions } from './redis.sessions.js';
import { endingSessionOf, numberOf, pairsOf, sessionOf, textsOf } from './redis.values.js';

/** How a session ends: what is due, `open → ending → ended`, and the tombstone's own end. */
export class RedisEndings {
  constructor(
    private readonly buckets: RedisBuckets,
    private readonly durable: RedisDurableWrites,
    private readonly counts: SessionCounts,
    private readonly sessions: RedisSessions,
  ) {}

  async beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition): Promise<EndingSession | null> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return null;
    const condition = only ? [1, only.lastActivityAt, only.disposable ? 1 : 0] : [0, 0, 0];
    const args = [sessionId, end.reason, end.at, end.lease.until, end.lease.nodeId, ...condition];
    const [text, created = '0', closed = '0'] = textsOf(await this.durable.runIn(BEGIN_END, bucket, ...args));
    if (text === undefined) return null;
    // It is over, whatever becomes of its place: one that is not given back now is with the next end, or the next count.
    await this.counts.giveBack(bucket, { created, closed }).catch(() => {});
    return endingSessionOf(text, end.lease.nodeId);
  }

  async leaseEnding(claim: Claim): Promise<EndingSession[]> {
    const { nodeId, until } = claim.lease;
    const due = await this.buckets.firstTurns('ending', claim);
    const ids = due.map(({ id }) => id);
    const claimed = await this.buckets.byBucket(new Set(ids), async (bucket, of) =>
      textsOf(await this.buckets.runIn(CLAIM_ENDING, bucket, claim.at, until, nodeId, ...of)),
    );
    const sessions = claimed.flat().map((text) => endingSessionOf(text, nodeId));
    return inOrder(ids, sessions);
  }

  async finishEnd(sessionId: string, nodeId: string, at: number): Promise<Released> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return { resources: 0, bytes: 0 };
    const reply = await this.buckets.runIn(FINISH_END, bucket, sessionId, nodeId, at);
    const [resources = '0', bytes = '0', userId] = textsOf(reply);
    if (userId) await this.sessions.forgetUser(userId, [sessionId]);
    return { resources: numberOf(resources), bytes: numberOf(bytes) };
  }

  async findIdle(at: number, limit: number): Promise<SessionRecord[]> {
    const due = await this.#firstOpen('idle', at, limit);
    return due
      .filter((session) => idleEndsAt(session) <= at)
      .toSorted((a, b) => idleEndsAt(a) - idleEndsAt(b) || compare(a.id, b.id));
  }

  findExpired(at: number, limit: number): Promise<SessionRecord[]> {
    return this.#firstOpen('expiry', at, limit);
  }

  async findDisposable(limit: number): Promise<SessionRecord[]> {
    const found = await this.#firstOpen('disposable', '+inf', limit);
    return found.filter(({ resourceCount, userId }) => resourceCount === 0 && userId === null);
  }

  async countDue(at: number): Promise<{ idle: number; expired: number }> {
    const count = async (key: BucketKey): Promise<number> => {
      const counts = await this.buckets.askAll(COUNT_UP_TO, key, at);
      return counts.reduce<number>((sum, one) => sum + numberOf(one), 0);
    };
    const [idle, expired] = await Promise.all([count('idle'), count('expiry')]);
    return { idle, expired };
  }

  async dropTombstones(at: number, limit: number): Promise<number> {
    const due = await this.buckets.firstUpTo('tombstones', at, limit);
    const ids = due.map(({ id }) => id);
    const dropped = await this.buckets.byBucket(ids, async (bucket, of) =>
      textsOf(await this.buckets.runIn(DROP_TOMBSTONES, bucket, at, ...of)),
    );
    const users = Map.groupBy(pairsOf(dropped.flat()), ([, userId]) => userId);
    users.delete('');
    await Promise.all(
      [...users].map(([userId, of]) =>
        this.sessions.forgetUser(
          userId,
          of.map(([id]) => id),
        ),
      ),
    );
    await this.counts.correct();
    return dropped.flat().length / 2;
  }

  /** Sessions by their ids, in the order of the ids; only those that are open. */
  async loadOpen(ids: readonly string[]): Promise<SessionRecord[]> {
    return (await this.load(ids)).filter((session) => session.state === 'open');
  }

  async load(ids: readonly string[]): Promise<SessionRecord[]> {
    const found = await this.buckets.byBucket(ids, (bucket, of) =>
      this.buckets.fields(bucket, 'sessions', ...of),
    );
    return inOrder(
      ids,
      found
        .flat()
        .filter((text) => text !== '')
        .map(sessionOf),
    );
  }

  async #firstOpen(key: BucketKey, at: number | '+inf', limit: number): Promise<SessionRecord[]> {
    const entries = await this.buckets.firstUpTo(key, at, limit);
    return this.loadOpen(entries.map(({ id }) => id));
  }
}

/** Records in the order that their ids were asked for. */
export function inOrder<T extends { readonly id: string }>(
  ids: readonly string[],
  records: readonly T[],
): T[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  return [...new Set(ids)].map((id) => byId.get(id)).filter((record) => record !== undefined);
}
