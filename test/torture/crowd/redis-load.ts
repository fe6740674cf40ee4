import type { RedisServer } from '../../support/redis-servers.ts';

/** How long a Redis was at work. */
export class RedisLoad {
  private readonly redis: RedisServer;
  private readonly before: number;

  private constructor(redis: RedisServer, before: number) {
    this.redis = redis;
    this.before = before;
  }

  static async start(redis: RedisServer): Promise<RedisLoad> {
    return new RedisLoad(redis, await processorMs(redis));
  }

  /** The processor time that it took since, in milliseconds. */
  async stop(): Promise<number> {
    return (await processorMs(this.redis)) - this.before;
  }
}

async function processorMs(redis: RedisServer): Promise<number> {
  const info = String(await redis.command('INFO', 'cpu'));
  const seconds = ['used_cpu_user', 'used_cpu_sys'].map((name) =>
    Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0),
  );
  return seconds.reduce((sum, one) => sum + one, 0) * 1000;
}
