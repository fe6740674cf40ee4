import { SessionStore } from '../../ports/store/session-store.js';
import type { Holder, StoreTrouble } from '../../ports/store/store-trouble.js';
import { wrapGroups, type OperationName } from '../../ports/store/store-groups.js';
import { RedisConnection } from './connection/redis.connection.js';
import { RedisCalls } from './connection/redis-calls.js';
import { connectingError } from './connection/redis.errors.js';
import { MIGRATIONS, outdated, type RedisMigration } from './operations/redis.version.js';
import { redisSettingsOf, type RedisSessionStoreOptions } from './connection/redis.settings.js';
import { ChangeNotifications } from './feed/change-notifications.js';
import { RedisOperations } from './redis.operations.js';

/** Operations on the request path: the time limit covers all their commands. A timeout does not cancel them. */
const WITHIN_TIME: ReadonlySet<OperationName> = new Set<OperationName>([
  'sessions.open',
  'sessions.probe',
  'sessions.findByToken',
  'sessions.find',
  'sessions.login',
  'sessions.regenerate',
  'data.read',
  'data.write',
  'endings.beginEnd',
  'resources.reserve',
  'resources.grow',
  'resources.noteStall',
  'resources.complete',
  'resources.place',
  'resources.find',
  'resources.findOf',
  'resources.use',
  'rates.count',
]);

/**
 * Sessions in Redis 7 or later, or Valkey: one server or a cluster, shared by any number of machines. Each change is one
 * script, and as durable as Redis: a failover loses writes that the master has not replicated. Ends, logins and regenerates are
 * safer: if the master has a replica, they wait until one has them, at most 300 ms; after a failover within a minute, the
 * process that made the change repeats it when it next reads the feed.
 */
export class RedisSessionStore extends SessionStore {
  override readonly kind = 'redis';
  readonly #connection: RedisConnection;
  readonly #operations: RedisOperations;
  readonly #notifications: ChangeNotifications;
  readonly #calls: RedisCalls;
  readonly #mustExist: boolean;
  readonly #address: string | null;
  readonly #isCluster: boolean;

  /** `migrations`: the steps from the first layout to that of this version. */
  constructor(options: RedisSessionStoreOptions, migrations: readonly RedisMigration[] = MIGRATIONS) {
    const { clients, layout, mustExist, timeoutMs } = redisSettingsOf(options);
    const connection = new RedisConnection(clients, timeoutMs);
    const apart = clients.apart();
    const operations = new RedisOperations(
      connection,
      apart && new RedisConnection(apart, timeoutMs),
      layout,
      migrations,
    );
    const calls = new RedisCalls();
    super(
      wrapGroups(operations, (operation, name) => {
        const within = WITHIN_TIME.has(name) ? timeoutMs : null;
        // The feed looks whether the store has its old layout again.
        if (name === 'feed.read') return (...args) => calls.make(() => operation(...args), within);
        return (...args) =>
          operations.version.isOutdated
            ? Promise.reject(outdated())
            : calls.make(() => operation(...args), within);
      }),
    );
    this.#connection = connection;
    this.#operations = operations;
    this.#notifications = new ChangeNotifications(clients, layout.changes);
    this.#calls = calls;
    this.#mustExist = mustExist;
    this.#address = clients.address;
    this.#isCluster = clients.isCluster;
  }

  override get keepsBudgets(): boolean {
    return !this.#isCluster;
  }

  override get trouble(): StoreTrouble | null {
    return this.#operations.version.isOutdated ? 'newer' : null;
  }

  override async connect(silent: readonly Holder[] = []): Promise<void> {
    if (this.#calls.areOpen) return;
    try {
      await this.#connection.connect();
      if (this.#mustExist) await this.#operations.expectStore();
      await this.#operations.prepare(this.#mustExist, silent);
      this.#calls.areOpen = true;
    } catch (error) {
      await this.#disconnect();
      throw connectingError(error, this.#address);
    }
  }

  override async close(): Promise<void> {
    this.#calls.areOpen = false;
    this.#notifications.close();
    await this.#calls.finished();
    await this.#operations.counts.settled();
    await this.#disconnect();
  }

  override onChange(listener: () => void): Promise<void> {
    return this.#notifications.listen(listener);
  }

  /** Number of ends, logins and regenerates since the start that no replica confirmed in time. 0 without replicas. */
  get unconfirmed(): number {
    return this.#operations.durable.unconfirmed;
  }

  async #disconnect(): Promise<void> {
    await Promise.all([this.#connection.close(), this.#operations.durable.close()]);
  }
}
