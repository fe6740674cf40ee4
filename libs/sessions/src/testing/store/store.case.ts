import type { SessionStore } from '../../ports/session-store.js';

/** One test of a session store: see `sessionStoreContract`. */
export interface SessionStoreCase {
  /** A sentence about the store. */
  readonly name: string;
  /** Rejects with an `AssertionError` if the store does not do what `name` says. Needs a connected, empty store of its own. */
  readonly run: (store: SessionStore) => Promise<void>;
}
