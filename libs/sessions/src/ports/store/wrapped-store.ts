import { SessionStore } from './session-store.js';
import { wrapGroups } from './store-groups.js';
import type { Holder, StoreTrouble } from './store-trouble.js';

/** A store with `wrap` around its every operation. */
export class WrappedStore extends SessionStore {
  override readonly kind: string;

  constructor(
    private readonly store: SessionStore,
    wrap: Parameters<typeof wrapGroups>[1],
  ) {
    super(wrapGroups(store, wrap));
    this.kind = store.kind;
  }

  override get trouble(): StoreTrouble | null {
    return this.store.trouble;
  }

  override get keepsBudgets(): boolean {
    return this.store.keepsBudgets;
  }

  override connect(silent?: readonly Holder[]): Promise<void> {
    return this.store.connect(silent);
  }

  override close(): Promise<void> {
    return this.store.close();
  }

  override onChange(listener: () => void): Promise<void> {
    return this.store.onChange(listener);
  }
}
