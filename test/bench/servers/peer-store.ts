import type { SessionData, Store } from 'express-session';
import type { Handlers } from '../harness/program.ts';

const IDLE_MS = 15 * 60_000;

/** What a store of express-session can be asked for, where there are many sessions. */
export function storeHandlers(store: Store): Handlers {
  return {
    async seed(count: number) {
      for (let start = 0; start < count; start += 1000) {
        const many = Array.from({ length: Math.min(1000, count - start) }, (_, index) => start + index);
        await Promise.all(many.map((index) => add(store, `seeded-${index}`)));
      }
      return [];
    },
    list: () => timed((done) => store.all?.(done)),
    count: () => timed((done) => store.length?.(done)),
  };
}

function add(store: Store, id: string): Promise<void> {
  const cookie = {
    originalMaxAge: IDLE_MS,
    expires: new Date(Date.now() + IDLE_MS),
    httpOnly: true,
    path: '/',
  };
  const data = { cookie } as SessionData;
  return new Promise((resolve, reject) => {
    store.set(id, data, (error) => (error ? reject(error as Error) : resolve()));
  });
}

async function timed(ask: (done: (error: unknown) => void) => void): Promise<number> {
  const startedAt = performance.now();
  await new Promise<void>((resolve, reject) => {
    ask((error) => (error ? reject(error) : resolve()));
  });
  return performance.now() - startedAt;
}
