import { createClient } from 'redis';
import type { RedisServer } from '../../support/redis-servers.ts';
import { pause } from '../processes/scratch.ts';

const EVERY_MS = 50;

/** Cuts every connection that subscribes to anything, again and again, while the work goes on. */
export async function withoutMessages<T>(
  servers: readonly RedisServer[],
  work: () => Promise<T>,
): Promise<T> {
  let isOver = false;
  const cutting = servers.map(async ({ url }) => {
    const client = createClient({ url });
    client.on('error', () => {});
    await client.connect();
    while (!isOver) {
      await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
      await pause(EVERY_MS);
    }
    client.destroy();
  });
  try {
    return await work();
  } finally {
    isOver = true;
    await Promise.all(cutting);
  }
}
