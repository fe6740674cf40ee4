import type { SessionStore } from '../../ports/session-store.js';

/** A test of one promise of the port. */
export interface SessionStoreCase {
  /** A sentence about the store. */
  readonly name: string;
  /** Rejects with an `AssertionError` if the store breaks the promise. Needs a connected, empty store of its own. */
  readonly run: (store: SessionStore) => Promise<void>;
}
