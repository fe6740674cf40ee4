export { RedisSessionStore } from '../stores/redis/redis-session-store.js';
export type { RedisSessionStoreOptions } from '../stores/redis/connection/redis.settings.js';
export type {
  RedisClientLike,
  RedisClientOrCluster,
  RedisClusterLike,
} from '../stores/redis/connection/redis.client.js';
