import { bucketName } from '../../../domain/bucket.js';
import { SessionsError } from '../../../domain/errors.js';
import { compareIds, idsFrom } from '../../../domain/ids.js';
import type { UsageBound } from '../../../domain/limits.js';
import { evictionRank, idleEndsAt } from '../../../domain/lifetime.js';
import {
  isReplaced,
  openingRecord,
  type Authority,
  type NewSession,
  type SessionRecord,
} from '../../../domain/session.js';
import {
  type NewLogin,
  type NewToken,
  type OpeningLimits,
  type Refused,
  type RefusedOpening,
  type SessionQuery,
  type SessionSlice,
  type SessionsGroup,
  type TokenMatch,
  type Touch,
} from '../../../ports/sessions.js';
import type { DueAfter } from '../../../ports/endings.js';
import type { DeedNote } from '../../../ports/record/journal.js';
import { loginText, openedText, regeneratedText } from '../buckets/journal.values.js';
import { KEPT_AFTER_END_MS, type BucketKey } from '../scripts/redis.layout.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import type { RedisBudgets } from './redis.budgets.js';
import { RedisListing } from './redis.listing.js';
import type { RedisDurableWrites } from '../buckets/redis.durable-writes.js';
import type { SessionCounts } from '../buckets/session-counts.js';
import type { UserIndex } from '../buckets/user-index.js';
import {
  FIND_BY_TOKEN,
  LEARN_ADDRESS,
  LOGIN,
  OPEN,
  REGENERATE,
  TOUCH,
} from '../scripts/lua/sessions.scripts.js';
import { PROBE } from '../scripts/lua/store.scripts.js';
import {
  authorityText,
  inOrder,
  newSessionText,
  numberOf,
  sessionOf,
  textOf,
  textsOf,
} from '../buckets/redis.values.js';

/** Sessions that are read at once. */
const TOGETHER = 500;

export class RedisSessions implements SessionsGroup {
  readonly #listing;

  constructor(
    private readonly buckets: RedisBuckets,
    private readonly counts: SessionCounts,
    private readonly durable: RedisDurableWrites,
    private readonly users: UserIndex,
    private readonly budgets: RedisBudgets,
  ) {
    this.#listing = new RedisListing(buckets, users, this);
  }

  async open(
    session: NewSession,
    limits: OpeningLimits,
    note?: DeedNote | null,
  ): Promise<'opened' | RefusedOpening> {
    const bucket = this.#bucketOf(session.id, session.tokenHash);
    const most = this.budgets.mostSessions(limits.network?.maxSessions);
    const refused = await this.#reserve(bucket, session, limits, most);
    if (refused !== null) {
      const known = await this.find(session.id);
      if (known === null) return refused;
      if (known.tokenHash !== session.tokenHash) throw taken();
      return 'opened';
    }
    const { id, tokenHash, createdAt, expiresAt } = session;
    const network = limits.network?.key ?? null;
    const instants = [createdAt, expiresAt, idleEndsAt(openingRecord(session))];
    const text = newSessionText(session, network);
    const of = [network ?? '', most, openedText(createdAt, note)];
    const reply = await this.buckets.runIn(OPEN, bucket, id, tokenHash, text, ...instants, ...of);
    const [answer, created = '0', closed = '0'] = textsOf(reply);
    this.counts.settleSoon(bucket, { created, closed }, { id, network }, answer === 'opened');
    if (answer === 'taken') throw taken();
    return answer === 'network-full' ? answer : 'opened';
  }

  async probe(): Promise<void> {
    await this.buckets.runOnEach(PROBE);
  }

  async find(sessionId: string): Promise<SessionRecord | null> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return null;
    const [text] = await this.buckets.records(bucket, 'sessions', [sessionId]);
    return text ? sessionOf(text) : null;
  }

  async findByToken(tokenHash: string): Promise<TokenMatch | null> {
    const bucket = this.buckets.ofTokenHash(tokenHash);
    if (bucket === null) return null;
    const [text, replacedAt] = textsOf(await this.buckets.runIn(FIND_BY_TOKEN, bucket, tokenHash));
    if (!text) return null;
    const session = sessionOf(text);
    return replacedAt === undefined
      ? { session, current: true, replacedAt: null }
      : { session, current: false, replacedAt: numberOf(replacedAt) };
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
    const counted = await Promise.all(
      [...args].map(async ([bucket, of]) => textsOf(await this.buckets.runIn(TOUCH, bucket, ...of))),
    );
    // Until the next touch or their idle end, the network counts them if this fails.
    await this.counts.recount(counted.flat()).catch(() => {});
  }

  /** Writes the index of users, which is in another slot, first, so that it never lacks a session. */
  async login(
    sessionId: string,
    authority: Authority | null,
    login: NewLogin,
  ): Promise<'done' | 'taken' | 'full' | Refused> {
    const { userId, tokenHash, at } = login;
    const session = await this.find(sessionId);
    if (session?.state !== 'open') return 'gone';
    const bucket = this.#bucketOf(sessionId, tokenHash);
    // Whoever is refused leaves nothing in the index of the user.
    const most = this.budgets.mostSessions(login.maxSessions);
    if (most > 0 && session.userId === null && !isReplaced(session, authority)) {
      if ((await this.budgets.ofUser(userId)).sessions >= most) return 'full';
    }
    const expiresAt = Math.max(session.expiresAt, login.expiresAt ?? 0);
    await this.users.add(userId, sessionId, Math.max(0, expiresAt - at) + KEPT_AFTER_END_MS);
    const what = [
      login.dropsData ? 1 : 0,
      login.expiresAt ?? '',
      login.idleMs ?? '',
      login.remembered ? 1 : 0,
      most,
      loginText(at, login.note),
      login.note?.userHash ?? '',
    ];
    const args = [sessionId, authorityText(authority), userId, tokenHash, at, ...what];
    const answer = textOf(await this.durable.runIn(LOGIN, bucket, ...args));
    // A session that may not be bound now may be later, by a login that is under way.
    if (answer === 'full') return answer;
    if (answer === 'gone' || answer === 'taken') await this.#forget(userId, [sessionId]);
    return answer === 'taken' ? answer : replacedOr(answer);
  }

  async regenerate(
    sessionId: string,
    authority: Authority | null,
    { tokenHash, at, keepsAuthority, note }: NewToken,
  ): Promise<'done' | Refused> {
    if (this.buckets.of(sessionId) === null) return 'gone';
    const bucket = this.#bucketOf(sessionId, tokenHash);
    const keeps = keepsAuthority ? 1 : 0;
    const args = [sessionId, authorityText(authority), tokenHash, at, keeps, regeneratedText(at, note)];
    return replacedOr(textOf(await this.durable.runIn(REGENERATE, bucket, ...args)));
  }

  async learnAddress(
    sessionId: string,
    authority: Authority | null,
    ipAddress: string,
  ): Promise<'done' | 'taken' | Refused> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return 'gone';
    const args = [sessionId, authorityText(authority), ipAddress];
    const answer = textOf(await this.durable.runIn(LEARN_ADDRESS, bucket, ...args));
    return answer === 'taken' ? answer : replacedOr(answer);
  }

  async findEvictable(limit: number, network?: string | null): Promise<SessionRecord[]> {
    const found = network
      ? await this.loadOpen(await this.budgets.evictableOf(network, limit))
      : await this.firstOpen('evictable', '+inf', limit);
    return found.filter((session) => evictionRank(session) !== null);
  }

  /** Redis forgets them itself: their keys expire. */
  async forgetNetworks(): Promise<number> {
    return 0;
  }

  findAbove(usage: UsageBound, limit: number): Promise<string[]> {
    return this.#listing.above(usage, limit);
  }

  list(query: SessionQuery): Promise<SessionSlice> {
    return this.#listing.list(query);
  }

  /** Asks in steps: the index of a bucket may be long. */
  async findIds(prefix: string, limit: number): Promise<string[]> {
    const bucket = idsFrom(prefix) === null ? null : this.buckets.of(prefix);
    if (bucket === null) return [];
    const known = new Set<string>();
    for await (const ids of this.buckets.membersLike(bucket, 'changes', `${prefix}*`)) {
      for (const id of ids) known.add(id);
    }
    const ids = [...known].toSorted(compareIds);
    const found: string[] = [];
    for (let start = 0; start < ids.length && found.length < limit; start += TOGETHER) {
      const records = await this.#loadTogether(ids.slice(start, start + TOGETHER));
      found.push(...records.map(({ id }) => id));
    }
    return found.slice(0, limit);
  }

  /** The open sessions among these ids, in their order. */
  async loadOpen(ids: readonly string[]): Promise<SessionRecord[]> {
    return (await this.load(ids)).filter((session) => session.state === 'open');
  }

  /** The sessions with these ids, in any state, in their order. In slices: a reply with the thousands of sessions of one user would block Redis and this process. */
  async load(ids: readonly string[]): Promise<SessionRecord[]> {
    const records: SessionRecord[] = [];
    for (let start = 0; start < ids.length; start += TOGETHER) {
      records.push(...(await this.#loadTogether(ids.slice(start, start + TOGETHER))));
    }
    return records;
  }

  async #loadTogether(ids: readonly string[]): Promise<SessionRecord[]> {
    const found = await this.buckets.byBucket(ids, (bucket, of) =>
      this.buckets.records(bucket, 'sessions', of),
    );
    return inOrder(
      ids,
      found
        .flat()
        .filter((text) => text !== '')
        .map(sessionOf),
    );
  }

  /** The first open sessions of an index, after an entry and up to a score. */
  async firstOpen(
    key: BucketKey,
    at: number | '+inf',
    limit: number,
    after: DueAfter | null = null,
  ): Promise<SessionRecord[]> {
    const entries = await this.buckets.firstUpTo(
      key,
      at,
      limit,
      after && { score: after.endsAt, id: after.id },
    );
    return this.loadOpen(entries.map(({ id }) => id));
  }

  /** If this fails, the next reader of the index removes them. */
  async #forget(userId: string, sessionIds: readonly string[]): Promise<void> {
    await this.users.remove(userId, sessionIds).catch(() => {});
  }

  /** Counts the session as open if the limits allow it. Corrects the count before it answers `full`. */
  async #reserve(
    bucket: number,
    session: NewSession,
    limits: OpeningLimits,
    mostOfNetwork: number,
  ): Promise<RefusedOpening | null> {
    const refused = await this.counts.reserve(bucket, session, limits, mostOfNetwork);
    if (refused !== 'full') return refused;
    await this.counts.correct();
    return this.counts.reserve(bucket, session, limits, mostOfNetwork);
  }

  #bucketOf(sessionId: string, tokenHash: string): number {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null || bucket !== this.buckets.ofTokenHash(tokenHash)) {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        `The token hash is not one for session ${sessionId}: it must begin with \`${bucketName(sessionId)}\`, so that Redis keeps both in one slot`,
      );
    }
    return bucket;
  }
}

function replacedOr(answer: string): 'done' | Refused {
  if (answer === 'used') throw taken();
  return answer === 'done' || answer === 'stale' ? answer : 'gone';
}

function taken(): SessionsError {
  return new SessionsError(
    'INVALID_ARGUMENT',
    'Another session already has this id or token: use new random ones',
  );
}
