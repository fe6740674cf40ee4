import type { SessionStore } from '../../ports/session-store.js';

/** One promise of a store, put to the test. */
export interface SessionStoreCase {
  /** A sentence about the store. */
  readonly name: string;
  /** Rejects with an `AssertionError` where the store breaks the promise. The store is connected, empty, and this case's own. */
  readonly run: (store: SessionStore) => Promise<void>;
}
