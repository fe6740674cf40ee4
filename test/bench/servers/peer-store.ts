import type { SessionData, Store } from 'express-session';
import type { Handlers } from '../harness/program.ts';

/** The session of a peer, whose properties are its data. */
export interface PeerSession {
  cart?: Cart;
}

export type PeerHandler = (session: PeerSession, id: string) => object;

/** What an application keeps: a cart of ten lines. */
export interface Cart {
  readonly lines: readonly { readonly article: string; readonly count: number }[];
  readonly seen: number;
}

export function cartSeen(seen: number): Cart {
  return {
    lines: Array.from({ length: 10 }, (_, line) => ({ article: `article-${line}`, count: line })),
    seen,
  };
}

export const tellId: PeerHandler = (_session, id) => ({ id });
export const readCart: PeerHandler = (session, id) => ({ id, seen: (session.cart ??= cartSeen(0)).seen });
export const writeCart: PeerHandler = (session, id) => {
  session.cart = cartSeen((session.cart?.seen ?? 0) + 1);
  return { id };
};

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
