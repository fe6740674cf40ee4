import type { Feed, FeedPosition, SessionChange } from '../../ports/session-store.js';
import type { RedisBuckets } from './redis.buckets.js';
import type { RedisConnection } from './redis.connection.js';
import { CHANGES_SINCE } from './redis.scripts.listings.js';
import { FIELDS } from './redis.scripts.store.js';
import type { RedisServers } from './redis.server.js';
import { storedSession, textsOf } from './redis.values.js';

interface Position {
  /** Which store, and which histories of it, the counters belong to. */
  readonly history: string;
  readonly counters: readonly number[];
}

interface Change {
  readonly bucket: number;
  readonly number: number;
  readonly at: bigint;
  readonly change: SessionChange;
}

/**
 * The feed of changes: each bucket numbers its own, and a position holds one number for each. Nothing is missed within a
 * bucket; between buckets, the order is that of Redis' clocks. After a failover numbers may be given a second time: the
 * history that they belong to has another name then, and the reader is told to forget what it knows.
 */
export class RedisFeed {
  constructor(
    private readonly connection: RedisConnection,
    private readonly buckets: RedisBuckets,
    private readonly servers: RedisServers,
  ) {}

  async read(text: FeedPosition | null, limit: number): Promise<Feed> {
    const [generation, histories, counters] = await Promise.all([
      this.connection.send(this.buckets.layout.store, ['HGET', this.buckets.layout.store, 'generation']),
      this.servers.histories(),
      this.counters(),
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

  /** How many changes each bucket has seen. */
  async counters(): Promise<number[]> {
    const found = await this.buckets.askAll(FIELDS, 'totals', 'counter');
    return found.map((counter) => Number(textsOf(counter)[0]));
  }

  async #readOn(position: Position, counters: readonly number[], limit: number): Promise<Feed> {
    const changed = this.buckets.all.filter(
      (bucket) => (counters[bucket] ?? 0) > (position.counters[bucket] ?? 0),
    );
    const found = await Promise.all(
      changed.map((bucket) => this.#changesOf(bucket, position.counters[bucket] ?? 0, limit + 1)),
    );
    const news = found
      .flat()
      .toSorted((a, b) => Number(a.at - b.at) || a.bucket - b.bucket || a.number - b.number);
    const read = news.slice(0, limit);
    const more = news.length > limit;
    // What is not told yet stays ahead. A number whose session has changed again since is not missed: it comes later.
    const told = position.counters.map((since, bucket) =>
      more ? since : Math.max(since, counters[bucket] ?? 0),
    );
    for (const { bucket, number } of read) told[bucket] = Math.max(told[bucket] ?? 0, number);
    return {
      changes: read.map(({ change }) => change),
      position: format({ history: position.history, counters: told }),
      more,
    };
  }

  /** A clock that was set back must not turn the order within a bucket around. */
  async #changesOf(bucket: number, since: number, limit: number): Promise<Change[]> {
    let latest = 0n;
    return textsOf(await this.buckets.runIn(CHANGES_SINCE, bucket, since, limit)).map((text) => {
      const { record, change: number, changedAt, nodes } = storedSession(text);
      const { id, state, endReason, epoch, userId } = record;
      latest = changedAt > latest ? changedAt : latest;
      return { bucket, number, at: latest, change: { id, state, endReason, epoch, userId, nodes } };
    });
  }
}

function format({ history, counters }: Position): FeedPosition {
  return JSON.stringify([history, ...counters]);
}

/** What is no position of ours is of no history that is: the reader starts anew. */
function parse(text: FeedPosition): Position {
  try {
    const [history, ...counters]: unknown[] = JSON.parse(text);
    return { history: String(history), counters: counters.map(Number) };
  } catch {
    return { history: '', counters: [] };
  }
}
