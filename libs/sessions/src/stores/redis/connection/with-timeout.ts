import { RedisSilence } from './redis.errors.js';

/** What is answered, or a `RedisSilence` after so long. node-redis' own limit, which we do without, is for sending alone. */
export async function withTimeout<T>(answering: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RedisSilence(`No answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answering, silence]);
  } finally {
    clearTimeout(timer);
  }
}
