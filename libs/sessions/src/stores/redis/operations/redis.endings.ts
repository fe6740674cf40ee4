import { compareIds } from '../../../domain/ids.js';
import { isOperator } from '../../../domain/journal/actor.js';
import { idleEndsAt, type EndCondition } from '../../../domain/lifetime.js';
import type { SessionRecord } from '../../../domain/session.js';
import type {
  BeginEnd,
  DueAfter,
  EndedQuery,
  EndedRecord,
  EndedSlice,
  EndingSession,
  EndingsGroup,
  LeaseRequest,
  Released,
} from '../../../ports/endings.js';
import { auditBeginning, endedBeginning } from '../buckets/journal.values.js';
import { byFallingScore, entriesOf, type Entry, type RedisBuckets } from '../buckets/redis.buckets.js';
import { mostOfBucket } from './record/redis.audit.js';
import type { RedisDurableWrites } from '../buckets/redis.durable-writes.js';
import type { BucketKey } from '../scripts/redis.layout.js';
import type { SessionCounts } from '../buckets/session-counts.js';
import {
  BEGIN_END,
  DROP_TOMBSTONES,
  ENDED_OF_USER,
  FINISH_END,
  LEASE_ENDING,
} from '../scripts/lua/endings.scripts.js';
import { placeOf } from '../scripts/lua/includes/journal.includes.js';
import { COUNT_UP_TO } from '../scripts/lua/listings.scripts.js';
import { MEND } from '../scripts/lua/mending/mending.script.js';
import type { RedisJournal } from './record/redis.journal.js';
import type { RedisSessions } from './redis.sessions.js';
import type { UserIndex } from '../buckets/user-index.js';
import { endingSessionOf, inOrder, numberOf, textsOf } from '../buckets/redis.values.js';

export class RedisEndings implements EndingsGroup {
  constructor(
    private readonly buckets: RedisBuckets,
    private readonly durable: RedisDurableWrites,
    private readonly counts: SessionCounts,
    private readonly sessions: RedisSessions,
    private readonly users: UserIndex,
    private readonly journal: Pick<RedisJournal, 'endsOf'>,
  ) {}

  async beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition): Promise<EndingSession | null> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return null;
    const condition = [only?.lastActivityAt ?? '', only?.evictionRank ?? '', only?.userId ?? ''];
    const { reason, at, lease, note, keptUntil, requests = 0 } = end;
    const audit = note && isOperator(note.by) ? auditBeginning(sessionId, note.by) : '';
    const told = [endedBeginning(end), audit, placeOf(bucket), mostOfBucket(this.buckets.layout.buckets)];
    const args = [
      sessionId,
      reason,
      at,
      lease.until,
      lease.nodeId,
      ...condition,
      keptUntil ?? '',
      requests,
      ...told,
    ];
    const reply = textsOf(await this.durable.runIn(BEGIN_END, bucket, ...args));
    const [text, created = '0', closed = '0', network = ''] = reply;
    if (text === undefined) return null;
    // The session has ended even if this fails: the next end or the next correction mends the count.
    await this.counts.giveBack(bucket, { created, closed }, { id: sessionId, network }).catch(() => {});
    return endingSessionOf(text, end.lease.nodeId);
  }

  async leaseEnding(request: LeaseRequest): Promise<EndingSession[]> {
    const { nodeId, until } = request.lease;
    const due = await this.buckets.firstLeasable('ending', request);
    const ids = due.map(({ id }) => id);
    const leased = await this.buckets.byBucket(new Set(ids), async (bucket, of) =>
      textsOf(await this.buckets.runIn(LEASE_ENDING, bucket, request.at, until, nodeId, ...of)),
    );
    const sessions = leased.flat().map((text) => endingSessionOf(text, nodeId));
    return inOrder(ids, sessions);
  }

  async finishEnd(sessionId: string, nodeId: string, at: number): Promise<Released> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return { resources: 0, bytes: 0 };
    const finish = async (forgotten: string): Promise<string[]> =>
      textsOf(await this.buckets.runIn(FINISH_END, bucket, sessionId, nodeId, at, forgotten));
    let reply = await finish('');
    const [userId] = reply;
    if (userId !== undefined && reply.length === 1) {
      await this.users.remove(userId, [sessionId]);
      reply = await finish(userId);
    }
    const [resources = '0', bytes = '0'] = reply;
    return { resources: numberOf(resources), bytes: numberOf(bytes) };
  }

  async findIdle(at: number, limit: number, after?: DueAfter | null): Promise<SessionRecord[]> {
    const due = await this.sessions.firstOpen('idle', at, limit, after);
    return due
      .filter((session) => idleEndsAt(session) <= at)
      .toSorted((a, b) => idleEndsAt(a) - idleEndsAt(b) || compareIds(a.id, b.id));
  }

  findExpired(at: number, limit: number, after?: DueAfter | null): Promise<SessionRecord[]> {
    return this.sessions.firstOpen('expiry', at, limit, after);
  }

  async countDue(at: number): Promise<{ idle: number; expired: number }> {
    const count = async (key: BucketKey): Promise<number> => {
      const counts = await this.buckets.askAll(COUNT_UP_TO, key, at);
      return counts.reduce<number>((sum, one) => sum + numberOf(one), 0);
    };
    const [idle, expired] = await Promise.all([count('idle'), count('expiry')]);
    return { idle, expired };
  }

  async listEnded({ limit, userHash, after }: EndedQuery): Promise<EndedSlice> {
    const position = after === undefined ? null : { score: after.value, id: after.id };
    // One more tells whether there is a next page.
    const found =
      userHash === undefined
        ? await this.buckets.page('ended', limit + 1, byFallingScore, position)
        : await this.#endedOf(userHash, limit + 1, position);
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return {
      sessions: await this.#endedRecords(page),
      next: last === undefined ? null : { value: last.score, id: last.id },
    };
  }

  /** Those of a user are few. */
  async #endedOf(userHash: string, limit: number, after: Entry | null): Promise<Entry[]> {
    const found = await this.buckets.inAll((bucket) => this.buckets.runIn(ENDED_OF_USER, bucket, userHash));
    return found
      .flatMap(entriesOf)
      .filter((entry) => after === null || byFallingScore(entry, after) > 0)
      .toSorted(byFallingScore)
      .slice(0, limit);
  }

  async #endedRecords(entries: readonly Entry[]): Promise<EndedRecord[]> {
    const ids = entries.map(({ id }) => id);
    const [records, ends] = await Promise.all([this.sessions.load(ids), this.journal.endsOf(ids)]);
    const endedAt = new Map(entries.map(({ id, score }) => [id, score]));
    return records.map(({ id, state, createdAt, endReason }) => ({
      id,
      state: state === 'ended' ? state : 'ending',
      createdAt,
      endedAt: endedAt.get(id) ?? createdAt,
      endReason,
      end: ends.get(id) ?? null,
    }));
  }

  async dropTombstones(at: number, limit: number): Promise<number> {
    await this.buckets.inAll((bucket) => this.buckets.runIn(MEND, bucket, at));
    const due = await this.buckets.firstUpTo('tombstones', at, limit);
    const ids = due.map(({ id }) => id);
    const dropped = await this.buckets.byBucket(ids, async (bucket, of) =>
      textsOf(await this.buckets.runIn(DROP_TOMBSTONES, bucket, at, ...of)),
    );
    await this.counts.correct();
    return dropped.flat().length;
  }
}
