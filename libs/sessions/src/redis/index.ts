export { RedisSessionStore, type RedisSessionStoreOptions } from '../stores/redis/redis-session-store.js';
export type {
  RedisClientLike,
  RedisClientOrCluster,
  RedisClusterLike,
} from '../stores/redis/redis.connection.js';
