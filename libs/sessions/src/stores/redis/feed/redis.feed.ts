import { authorityOf } from '../../../domain/session.js';
import type { Feed, FeedGroup, FeedPosition } from '../../../ports/feed.js';
import type { RedisBuckets } from '../operations/redis.buckets.js';
import type { RedisDurableWrites } from '../operations/redis.durable-writes.js';
import type { RedisLedger } from '../operations/redis.ledger.js';
import type { RecentChanges } from './recent-changes.js';
import type { RedisConnection } from '../connection/redis.connection.js';
import { CHANGES_SINCE } from '../scripts/lua/listings.scripts.js';
import type { RedisServers } from '../connection/redis.server.js';
import { storedSession, textsOf } from '../operations/redis.values.js';

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
  constructor(
    private readonly connection: RedisConnection,
    private readonly buckets: RedisBuckets,
    private readonly servers: RedisServers,
    private readonly ledger: RedisLedger,
    private readonly durable: RedisDurableWrites,
    private readonly recent: RecentChanges,
  ) {}

  /** After a failover, repeats the recent changes of this process before it answers. */
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
    const [generation, histories, counters] = await Promise.all([
      this.connection.send(this.buckets.layout.store, ['HGET', this.buckets.layout.store, 'generation']),
      this.servers.histories(),
      this.ledger.counters(),
    ]);
    const history = `${String(generation)},${histories}`;
    const now: Position = { history, counters };
    const position = text === null ? now : parse(text);
    const isSame = position.history === history && position.counters.length === counters.length;
    if (!isSame || position.counters.some((since, bucket) => since > (counters[bucket] ?? 0))) {
      return { changes: [], position: format(now), more: false, reset: true };
    }
    return this.#readOn(position, counters, limit);
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
        const found = textsOf(await this.buckets.runIn(CHANGES_SINCE, bucket, since, count)).map(
          storedSession,
        );
        const last = found.at(-1)?.change ?? since;
        const isAll = found.length < count || count === behind[bucket];
        reported[bucket] = isAll ? Math.max(last, counters[bucket] ?? 0) : last;
        return found;
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

/** An unreadable position belongs to no known history, so the reader is told to reset. */
function parse(text: FeedPosition): Position {
  try {
    const [history, ...counters]: unknown[] = JSON.parse(text);
    return { history: String(history), counters: counters.map(Number) };
  } catch {
    return { history: '', counters: [] };
  }
}
