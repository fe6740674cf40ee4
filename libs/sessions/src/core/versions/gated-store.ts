import type { SessionStore } from '../../ports/store/session-store.js';
import type { StoreTrouble } from '../../ports/store/store-trouble.js';
import { WrappedStore } from '../../ports/store/wrapped-store.js';

/** A store that refuses every operation while `refusal` answers an error. */
export class GatedStore extends WrappedStore {
  constructor(
    store: SessionStore,
    private readonly refusal: () => Error | null,
  ) {
    super(store, (operation) => (...args) => {
      const error = refusal();
      return error === null ? operation(...args) : Promise.reject(error);
    });
  }

  override get trouble(): StoreTrouble | null {
    return this.refusal() === null ? super.trouble : 'older';
  }
}
