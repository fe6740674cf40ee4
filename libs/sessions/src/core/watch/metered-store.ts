import type { Clock } from '../../ports/clock.js';
import type { SessionStore } from '../../ports/store/session-store.js';
import { WrappedStore } from '../../ports/store/wrapped-store.js';

/** Called after each operation of the store: how long it took, and whether it rejected. */
export type StoreCallListener = (durationMs: number, failed: boolean) => void;

/** Times every operation of a store, and reports its failures. */
export class MeteredStore extends WrappedStore {
  private readonly listeners: Set<StoreCallListener>;

  constructor(store: SessionStore, clock: Clock) {
    const listeners = new Set<StoreCallListener>();
    super(store, (operation) => async (...args) => {
      const startedAt = clock.monotonic();
      let failed = true;
      try {
        const answer = await operation(...args);
        failed = false;
        return answer;
      } finally {
        const durationMs = clock.monotonic() - startedAt;
        for (const listener of listeners) listener(durationMs, failed);
      }
    });
    this.listeners = listeners;
  }

  /** Subscribes, and returns a function that unsubscribes. */
  onCall(listener: StoreCallListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
