import { RedisSilence } from './redis.errors.js';

/** Rejects with `RedisSilence` after `timeoutMs`. The time limit of node-redis covers only sending. */
export async function withTimeout<T>(answering: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(new RedisSilence(`No answer in ${timeoutMs} ms`));
    // Timers come before what has arrived: where this process itself stood still, the answer may be here, unread.
    timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  });
  try {
    return await Promise.race([answering, silence]);
  } finally {
    clearTimeout(timer);
  }
}
