import { SessionStore } from '../../ports/session-store.js';
import { wrapGroups, type OperationName } from '../../ports/store-groups.js';
import { RedisConnection } from './connection/redis.connection.js';
import { RedisCalls } from './connection/redis-calls.js';
import { storeError } from './connection/redis.errors.js';
import { redisSettingsOf, type RedisSessionStoreOptions } from './connection/redis.settings.js';
import { ChangeNotifications } from './feed/change-notifications.js';
import { RedisOperations } from './redis.operations.js';

/** What a request waits for: all of it, however many commands, within the time limit. What was begun goes on. */
const WITHIN_TIME: ReadonlySet<OperationName> = new Set<OperationName>([
  'sessions.open',
  'sessions.findByToken',
  'sessions.find',
  'sessions.bindUser',
  'sessions.rotate',
  'endings.beginEnd',
  'resources.reserve',
  'resources.grow',
  'resources.settle',
  'resources.find',
  'resources.use',
]);

/**
 * Sessions in Redis 7 or later, or Valkey: one server or a cluster, shared by any number of machines. Each change is one
 * script, and durable as far as Redis is: what a master had not told its replica when it died is lost. Ends, binds and
 * rotations are held to more: where the master has a replica they are answered when one has them, or after a few tenths of
 * a second, and whoever made one in the last minute makes it again after a change of master, when it next reads the feed.
 */
export class RedisSessionStore extends SessionStore {
  override readonly kind = 'redis';
  readonly #connection: RedisConnection;
  readonly #operations: RedisOperations;
  readonly #notifications: ChangeNotifications;
  readonly #calls: RedisCalls;
  readonly #mustExist: boolean;

  constructor(options: RedisSessionStoreOptions) {
    const { clients, layout, mustExist, timeoutMs } = redisSettingsOf(options);
    const connection = new RedisConnection(clients, timeoutMs);
    const apart = clients.apart();
    const operations = new RedisOperations(
      connection,
      apart && new RedisConnection(apart, timeoutMs),
      layout,
    );
    const calls = new RedisCalls();
    super(
      wrapGroups(operations, (operation, name) => {
        const within = WITHIN_TIME.has(name) ? timeoutMs : null;
        return (...args) => calls.make(() => operation(...args), within);
      }),
    );
    this.#connection = connection;
    this.#operations = operations;
    this.#notifications = new ChangeNotifications(clients, layout.changes);
    this.#calls = calls;
    this.#mustExist = mustExist;
  }

  override async connect(): Promise<void> {
    if (this.#calls.areOpen) return;
    try {
      await this.#connection.connect();
      if (this.#mustExist) await this.#operations.expectStore();
      await this.#operations.prepare();
      this.#calls.areOpen = true;
    } catch (error) {
      await this.#disconnect();
      throw storeError(error);
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

  /** How many ends, binds and rotations were made though no replica said in 100 ms that it has them. 0 without replicas. */
  get unconfirmed(): number {
    return this.#operations.durable.unconfirmed;
  }

  async #disconnect(): Promise<void> {
    await Promise.all([this.#connection.close(), this.#operations.durable.close()]);
  }
}
