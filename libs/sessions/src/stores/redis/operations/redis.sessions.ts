import { hash } from 'node:crypto';
import { SessionsError } from '../../../domain/errors.js';
import { idleEndsAt } from '../../../domain/lifetime.js';
import { openingRecord, type NewSession, type SessionRecord } from '../../../domain/session.js';
import type { Refused, TokenMatch, Touch } from '../../../ports/session-store.js';
import type { RedisBuckets } from './redis.buckets.js';
import type { RedisDurableWrites } from './redis.durable-writes.js';
import type { SessionCounts } from './session-counts.js';
import { BIND, FIND_BY_TOKEN, OPEN, ROTATE, TOUCH } from '../scripts/redis.scripts.sessions.js';
import { ADD_TO_USER, REMOVE_FROM_USER } from '../scripts/redis.scripts.store.js';
import { newSessionText, sessionOf, storedSession, textOf, textsOf } from './redis.values.js';

/** What happens to an open session: it begins, is found, touched, bound to a user, and gets a new token. */
export class RedisSessions {
  constructor(
    private readonly buckets: RedisBuckets,
    private readonly counts: SessionCounts,
    private readonly durable: RedisDurableWrites,
  ) {}

  async open(session: NewSession, maxSessions: number): Promise<'opened' | 'full'> {
    const bucket = this.#bucketOf(session.id, session.tokenHash);
    if (!(await this.#hasPlace(bucket, session.id, maxSessions))) {
      const known = await this.find(session.id);
      if (known === null) return 'full';
      if (known.tokenHash !== session.tokenHash) throw taken();
      return 'opened';
    }
    const { id, tokenHash, createdAt, expiresAt } = session;
    const instants = [createdAt, expiresAt, idleEndsAt(openingRecord(session))];
    const reply = await this.buckets.runIn(OPEN, bucket, id, tokenHash, newSessionText(session), ...instants);
    const [answer, created = '0', closed = '0'] = textsOf(reply);
    this.counts.settleSoon(bucket, { created, closed }, id, answer === 'opened');
    if (answer === 'taken') throw taken();
    return 'opened';
  }

  async find(sessionId: string): Promise<SessionRecord | null> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return null;
    const [text] = await this.buckets.fields(bucket, 'sessions', sessionId);
    return text ? sessionOf(text) : null;
  }

  async findByToken(tokenHash: string): Promise<TokenMatch | null> {
    const bucket = this.buckets.ofTokenHash(tokenHash);
    if (bucket === null) return null;
    const [text, current] = textsOf(await this.buckets.runIn(FIND_BY_TOKEN, bucket, tokenHash));
    if (!text) return null;
    const { record, replacedAt } = storedSession(text);
    const isCurrent = current === '1';
    return { session: record, current: isCurrent, replacedAt: isCurrent ? null : replacedAt };
  }

  async touch(touches: readonly Touch[]): Promise<void> {
    const args = new Map<number, (string | number)[]>();
    for (const { sessionId, at, requests } of touches) {
      const bucket = this.buckets.of(sessionId);
      if (bucket === null) continue;
      const of = args.get(bucket) ?? [];
      of.push(sessionId, at, requests);
      args.set(bucket, of);
    }
    await Promise.all([...args].map(([bucket, of]) => this.buckets.runIn(TOUCH, bucket, ...of)));
  }

  /** The index of users is in another slot: it is written first, so that it never lacks a session. */
  async bindUser(sessionId: string, epoch: number, userId: string): Promise<'bound' | Refused> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return 'gone';
    await this.buckets.run(ADD_TO_USER, [this.userKey(userId)], [sessionId]);
    const answer = textOf(await this.durable.runIn(BIND, bucket, sessionId, epoch, userId));
    if (answer === 'gone') await this.forgetUser(userId, [sessionId]);
    return answer === 'bound' || answer === 'stale' ? answer : 'gone';
  }

  async rotate(
    sessionId: string,
    epoch: number,
    tokenHash: string,
    at: number,
  ): Promise<'rotated' | Refused> {
    if (this.buckets.of(sessionId) === null) return 'gone';
    const bucket = this.#bucketOf(sessionId, tokenHash);
    const answer = textOf(await this.durable.runIn(ROTATE, bucket, sessionId, epoch, tokenHash, at));
    if (answer === 'taken') throw taken();
    return answer === 'rotated' || answer === 'stale' ? answer : 'gone';
  }

  userKey(userId: string): string {
    return this.buckets.layout.user(hash('sha256', userId, 'base64url'));
  }

  /** Takes sessions that can never be bound again out of a user's index. What it misses is found by the next reader. */
  async forgetUser(userId: string, sessionIds: readonly string[]): Promise<void> {
    await this.buckets.run(REMOVE_FROM_USER, [this.userKey(userId)], sessionIds).catch(() => {});
  }

  /** Where it says that all is full, the places are counted anew first. */
  async #hasPlace(bucket: number, sessionId: string, maxSessions: number): Promise<boolean> {
    if (await this.counts.reserve(bucket, sessionId, maxSessions)) return true;
    await this.counts.correct();
    return this.counts.reserve(bucket, sessionId, maxSessions);
  }

  #bucketOf(sessionId: string, tokenHash: string): number {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null || bucket !== this.buckets.ofTokenHash(tokenHash)) {
      throw new SessionsError('INVALID_ARGUMENT', 'A session and its token name the same bucket');
    }
    return bucket;
  }
}

function taken(): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', 'Another session has this id or this token: both are random');
}
