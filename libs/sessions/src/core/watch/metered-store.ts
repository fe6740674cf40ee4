import type { Clock } from '../../ports/clock.js';
import type { SessionStore } from '../../ports/session-store.js';
import { WrappedStore } from '../../ports/wrapped-store.js';

/** Told after each call: how long the store took to answer, and whether it failed to. */
export type StoreCallListener = (durationMs: number, failed: boolean) => void;

/** A store as it is, with one place where its calls are timed and its failures counted. */
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

  /** What it returns ends the subscription. */
  onCall(listener: StoreCallListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
