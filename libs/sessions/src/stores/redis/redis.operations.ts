import type { Holder } from '../../ports/store/store-trouble.js';
import type { StoreGroups } from '../../ports/store/store-groups.js';
import type { RedisConnection } from './connection/redis.connection.js';
import { incompatible, unavailable } from './connection/redis.errors.js';
import { RedisServers } from './connection/redis.server.js';
import { NotedEndings } from './feed/noted-endings.js';
import { NotedSessions } from './feed/noted-sessions.js';
import { RecentChanges } from './feed/recent-changes.js';
import { RedisFeed } from './feed/redis.feed.js';
import { RedisBuckets } from './buckets/redis.buckets.js';
import { RedisAudit } from './operations/record/redis.audit.js';
import { RedisBudgets } from './operations/redis.budgets.js';
import { RedisClock } from './operations/redis.clock.js';
import { RedisData } from './operations/redis.data.js';
import { RedisDurableWrites } from './buckets/redis.durable-writes.js';
import { RedisEndings } from './operations/redis.endings.js';
import { RedisInspection } from './operations/redis.inspection.js';
import { RedisFleet } from './operations/redis.fleet.js';
import { RedisJournal } from './operations/record/redis.journal.js';
import { RedisLedger } from './operations/record/redis.ledger.js';
import { RedisRates } from './operations/redis.rates.js';
import { RedisReleases } from './operations/redis.releases.js';
import { RedisResources } from './operations/redis.resources.js';
import { RedisSessions } from './operations/redis.sessions.js';
import { RedisTrends } from './operations/record/redis.trends.js';
import { SessionCounts } from './buckets/session-counts.js';
import { layoutWith, RedisVersion, type RedisMigration } from './operations/redis.version.js';
import { UserIndex } from './buckets/user-index.js';
import type { RedisLayout } from './scripts/redis.layout.js';

export class RedisOperations implements StoreGroups {
  readonly sessions: RedisSessions;
  readonly endings: RedisEndings;
  readonly resources: RedisResources;
  readonly data: RedisData;
  readonly releases: RedisReleases;
  readonly fleet: RedisFleet;
  readonly clock: RedisClock;
  readonly feed: RedisFeed;
  readonly ledger: RedisLedger;
  readonly rates: RedisRates;
  readonly budgets: RedisBudgets;
  readonly journal: RedisJournal;
  readonly audit: RedisAudit;
  readonly trends: RedisTrends;
  readonly inspection: RedisInspection;
  readonly counts: SessionCounts;
  readonly durable: RedisDurableWrites;
  readonly version: RedisVersion;
  private readonly buckets: RedisBuckets;
  private readonly servers: RedisServers;

  constructor(
    private readonly connection: RedisConnection,
    apart: RedisConnection | null,
    layout: RedisLayout,
    migrations: readonly RedisMigration[],
  ) {
    const buckets = new RedisBuckets(connection, layout);
    const servers = new RedisServers(connection);
    const durable = new RedisDurableWrites(buckets, apart, servers);
    const counts = new SessionCounts(buckets);
    const users = new UserIndex(buckets);
    const budgets = new RedisBudgets(buckets);
    const sessions = new RedisSessions(buckets, counts, durable, users, budgets);
    this.ledger = new RedisLedger(buckets, layoutWith(migrations));
    const journal = new RedisJournal(buckets, durable, this.ledger);
    const endings = new RedisEndings(buckets, durable, counts, sessions, users, journal);
    const recent = new RecentChanges(sessions, endings);
    this.sessions = new NotedSessions(recent, buckets, counts, durable, users, budgets);
    this.endings = new NotedEndings(recent, buckets, durable, counts, sessions, users, journal);
    this.resources = new RedisResources(buckets, durable, budgets);
    this.data = new RedisData(buckets);
    this.fleet = new RedisFleet(buckets, users);
    this.clock = new RedisClock(buckets);
    this.rates = new RedisRates(buckets);
    this.budgets = budgets;
    this.releases = new RedisReleases(buckets, this.fleet);
    this.journal = journal;
    this.audit = new RedisAudit(buckets);
    this.trends = new RedisTrends(buckets);
    this.inspection = new RedisInspection(buckets, servers, this.fleet);
    this.version = new RedisVersion(buckets, this.fleet, migrations);
    this.feed = new RedisFeed(connection, buckets, servers, this.ledger, durable, recent, this.version);
    this.buckets = buckets;
    this.servers = servers;
    this.durable = durable;
    this.counts = counts;
  }

  /** Rejects with `STORE_UNAVAILABLE` if there is no store; creates none. */
  async expectStore(): Promise<void> {
    const key = this.buckets.layout.store;
    if ((await this.connection.send(key, ['EXISTS', key])) === 1) return;
    throw unavailable(
      `Redis has no session store under prefix \`${this.buckets.layout.prefix}\`: check redisUrls and redisPrefix`,
    );
  }

  /**
   * Rejects with `STORE_INCOMPATIBLE` if the servers, or the layout or buckets of the store, are not supported. An older
   * layout is migrated, unless the store must exist, or others than the `silent` processes use it.
   */
  async prepare(mustExist: boolean, silent: readonly Holder[]): Promise<void> {
    await this.servers.check();
    const { layout, buckets } = await this.ledger.facts();
    if (buckets !== String(this.buckets.layout.buckets)) {
      throw incompatible(
        `The session store in this Redis has ${buckets} buckets, a fixed number: set \`buckets\` to it`,
      );
    }
    await this.version.takeOver(layout, mustExist, silent);
    await this.durable.prepare();
  }
}
