import { authorityOf } from '../../../domain/session.js';
import type { Feed, FeedGroup, FeedPosition } from '../../../ports/feed.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import type { RedisDurableWrites } from '../buckets/redis.durable-writes.js';
import type { RedisLedger } from '../operations/record/redis.ledger.js';
import type { RedisVersion } from '../operations/redis.version.js';
import type { RecentChanges } from './recent-changes.js';
import type { RedisConnection } from '../connection/redis.connection.js';
import { CHANGES_SINCE } from '../scripts/lua/listings.scripts.js';
import type { RedisServers } from '../connection/redis.server.js';
import { listOf, storedSession, textOf, textsOf } from '../buckets/redis.values.js';

/**
 * Changes of each bucket that a reader gets again after a reset, at most: a failover or a crash of Redis may have given their
 * numbers to other changes. It loses the writes of a second or so.
 */
const READ_AGAIN = 50;

interface Position {
  /** The store and the replication histories that the counters belong to. */
  readonly history: string;
  readonly counters: readonly number[];
}

/** The number of changes to read from one bucket. */
interface Share {
  readonly bucket: number;
  readonly count: number;
}

/**
 * The feed of changes. Each bucket numbers its changes without gaps, a session stays in its bucket, and a position has one
 * number per bucket. A failover may reuse numbers, but changes the name of the history, so readers are told to reset.
 */
export class RedisFeed implements FeedGroup {
  /** Where this process began to read: nobody here knew what had ended before. */
  #begun: Position | null = null;

  constructor(
    private readonly connection: RedisConnection,
    private readonly buckets: RedisBuckets,
    private readonly servers: RedisServers,
    private readonly ledger: RedisLedger,
    private readonly durable: RedisDurableWrites,
    private readonly recent: RecentChanges,
    private readonly version: Pick<RedisVersion, 'note'>,
  ) {}

  /**
   * Looks whether a newer version has taken the store over: every process calls it twice a second. After a failover, repeats the recent changes of this process before it answers.
   */
  async read(position: FeedPosition | null, limit: number): Promise<Feed> {
    const read = await this.#read(position, limit);
    if (read.reset) {
      this.durable.startAnew();
      this.recent.doubtAll();
    }
    await this.recent.makeAgain();
    return read;
  }

  async #read(text: FeedPosition | null, limit: number): Promise<Feed> {
    const [facts, histories, counters] = await Promise.all([
      this.connection.send(this.buckets.layout.store, [
        'HMGET',
        this.buckets.layout.store,
        'generation',
        'layout',
      ]),
      this.servers.histories(),
      this.ledger.counters(),
    ]);
    const [generation = null, layout = null] = listOf(facts);
    this.version.note(layout === null ? '' : textOf(layout));
    const history = `${String(generation)},${histories}`;
    const now: Position = { history, counters };
    this.#begun ??= now;
    const position = text === null ? now : parse(text);
    const isSame = position.history === history && position.counters.length === counters.length;
    if (!isSame || position.counters.some((since, bucket) => since > (counters[bucket] ?? 0))) {
      const since = this.#readAgainFrom(position, now);
      const more = counters.some((counter, bucket) => counter > (since[bucket] ?? 0));
      return { changes: [], position: format({ history, counters: since }), more, reset: true };
    }
    return this.#readOn(position, counters, limit);
  }

  /** Of the same store, a reader gets what it may have missed. Of another one there is nothing that it could know. */
  #readAgainFrom(position: Position, now: Position): readonly number[] {
    const begun = this.#begun ?? now;
    const isSameStore = [position, begun].every(({ history }) => storeOf(history) === storeOf(now.history));
    if (!isSameStore) this.#begun = now;
    if (!isSameStore || position.counters.length !== now.counters.length) return now.counters;
    return now.counters.map((counter, bucket) => {
      const known = Math.min(position.counters[bucket] ?? 0, counter);
      return Math.min(counter, Math.max(begun.counters[bucket] ?? 0, known - READ_AGAIN));
    });
  }

  /**
   * Reads changes, from the buckets with the largest lag first. The difference of the counters limits the changes of a
   * bucket, so that none is read and then dropped.
   */
  async #readOn(position: Position, counters: readonly number[], limit: number): Promise<Feed> {
    const behind = counters.map((counter, bucket) => counter - (position.counters[bucket] ?? 0));
    const reported = [...position.counters];
    const read = await Promise.all(
      sharesOf(behind, limit).map(async ({ bucket, count }) => {
        const since = reported[bucket] ?? 0;
        const reply = await this.buckets.runIn(CHANGES_SINCE, bucket, since, count);
        const [last = '', read = '0', ...texts] = textsOf(reply);
        const isAll = Number(read) < count || count === behind[bucket];
        reported[bucket] = isAll ? Math.max(Number(last), counters[bucket] ?? 0) : Number(last);
        return texts.map(storedSession);
      }),
    );
    return {
      changes: read.flat().map(({ record, nodes }) => {
        const { id, state, endReason, tokenHash, keptAuthorities, userId, otherAddress } = record;
        const authority = authorityOf(tokenHash);
        return { id, state, endReason, authority, keptAuthorities, userId, otherAddress, nodes };
      }),
      position: format({ history: position.history, counters: reported }),
      more: counters.some((counter, bucket) => counter > (reported[bucket] ?? 0)),
    };
  }
}

function sharesOf(behind: readonly number[], limit: number): Share[] {
  const shares: Share[] = [];
  let left = limit;
  for (const [bucket, most] of [...behind.entries()].toSorted(([, a], [, b]) => b - a)) {
    const count = Math.min(most, left);
    if (count === 0) break;
    shares.push({ bucket, count });
    left -= count;
  }
  return shares;
}

function format({ history, counters }: Position): FeedPosition {
  return JSON.stringify([history, ...counters]);
}

/** The generation of the store: the first part of a history. */
function storeOf(history: string): string | undefined {
  return history.split(',')[0];
}

/** An unreadable position belongs to no known history, so the reader is told to reset. */
function parse(text: FeedPosition): Position {
  try {
    const [history, ...counters]: unknown[] = JSON.parse(text);
    return { history: String(history), counters: counters.map(Number) };
  } catch {
    return { history: '', counters: [] };
  }
}
