import type { StoreIdentity } from '../../ports/session-store.js';
import { RedisBuckets } from './operations/redis.buckets.js';
import { RecentChanges } from './feed/recent-changes.js';
import type { RedisConnection } from './connection/redis.connection.js';
import { RedisDurableWrites } from './operations/redis.durable-writes.js';
import { RedisEndings } from './operations/redis.endings.js';
import { incompatible, unavailable } from './connection/redis.errors.js';
import { RedisFeed } from './feed/redis.feed.js';
import { RedisFleet } from './operations/redis.fleet.js';
import { LAYOUT, type RedisLayout } from './scripts/redis.layout.js';
import { RedisListings } from './operations/redis.listings.js';
import { RedisNodes } from './operations/redis.nodes.js';
import { SessionCounts } from './operations/session-counts.js';
import { RedisReleases } from './operations/redis.releases.js';
import { RedisResources } from './operations/redis.resources.js';
import { PREPARE } from './scripts/redis.scripts.store.js';
import { RedisServers } from './connection/redis.server.js';
import { RedisSessions } from './operations/redis.sessions.js';
import { RedisTotals } from './operations/redis.totals.js';
import { textsOf } from './operations/redis.values.js';

/** The parts of the store, put together. */
export class RedisOperations {
  readonly sessions: RedisSessions;
  readonly endings: RedisEndings;
  readonly listings: RedisListings;
  readonly feed: RedisFeed;
  readonly resources: RedisResources;
  readonly releases: RedisReleases;
  readonly fleet: RedisFleet;
  readonly nodes: RedisNodes;
  readonly counts: SessionCounts;
  readonly totals: RedisTotals;
  readonly durable: RedisDurableWrites;
  readonly recent: RecentChanges;
  private readonly buckets: RedisBuckets;
  private readonly servers: RedisServers;

  constructor(
    private readonly connection: RedisConnection,
    apart: RedisConnection | null,
    layout: RedisLayout,
  ) {
    this.buckets = new RedisBuckets(connection, layout);
    this.servers = new RedisServers(connection);
    this.durable = new RedisDurableWrites(this.buckets, apart, this.servers);
    this.counts = new SessionCounts(this.buckets);
    this.sessions = new RedisSessions(this.buckets, this.counts, this.durable);
    this.endings = new RedisEndings(this.buckets, this.durable, this.counts, this.sessions);
    this.listings = new RedisListings(this.buckets, this.sessions, this.endings);
    this.feed = new RedisFeed(connection, this.buckets, this.servers);
    this.resources = new RedisResources(this.buckets);
    this.releases = new RedisReleases(this.buckets);
    this.fleet = new RedisFleet(this.buckets);
    this.nodes = new RedisNodes(this.buckets);
    this.totals = new RedisTotals(this.buckets);
    this.recent = new RecentChanges({
      find: (id) => this.sessions.find(id),
      bindUser: (id, epoch, userId) => this.sessions.bindUser(id, epoch, userId),
      rotate: (id, epoch, tokenHash, at) => this.sessions.rotate(id, epoch, tokenHash, at),
      beginEnd: (id, end) => this.endings.beginEnd(id, end),
    });
  }

  /** Rejects with `STORE_UNAVAILABLE` where there is no store: a look makes none. */
  async expectStore(): Promise<void> {
    const key = this.buckets.layout.store;
    if ((await this.connection.send(key, ['EXISTS', key])) === 1) return;
    throw unavailable('There are no sessions in this Redis under this prefix');
  }

  /** Rejects with `STORE_INCOMPATIBLE` where sessions cannot be kept here, or not in this way. */
  async prepare(newGeneration: string): Promise<void> {
    await this.servers.check();
    const { layout, buckets } = await this.#facts(newGeneration);
    if (layout !== LAYOUT) {
      throw incompatible(
        'The sessions in this Redis are of another version of this package, under the same prefix',
      );
    }
    if (buckets !== String(this.buckets.layout.buckets)) {
      throw incompatible(
        `The sessions in this Redis are spread over ${buckets} buckets: a store keeps the number it began with`,
      );
    }
    await this.durable.prepare();
  }

  /** A store that was emptied meanwhile is a new one. */
  async identity(newGeneration: string): Promise<StoreIdentity> {
    const [{ generation }, counters] = await Promise.all([this.#facts(newGeneration), this.feed.counters()]);
    return { generation, counter: counters.reduce((sum, counter) => sum + counter, 0) };
  }

  async #facts(newGeneration: string) {
    const args = [newGeneration, LAYOUT, this.buckets.layout.buckets];
    const reply = await this.buckets.run(PREPARE, [this.buckets.layout.store], args);
    const [generation = '', layout = '', buckets = ''] = textsOf(reply);
    return { generation, layout, buckets };
  }
}
