import type { SessionRef } from '../handles/session.js';
import type { SessionDataKey, SessionDataTypes } from '../handles/session-data.js';
import type { SessionValues } from './session-values.js';

/** The part of `SessionService` for data: small values of the application, by key. */
export class SessionDataService {
  constructor(private readonly values: Pick<SessionValues, 'viewOf'>) {}

  /**
   * The value of a key, as it is in the store now; `undefined` for none.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `INVALID_ARGUMENT` (the key)
   */
  get<Key extends SessionDataKey>(session: SessionRef, key: Key): Promise<SessionDataTypes[Key] | undefined> {
    return this.values.viewOf(session).get(key);
  }

  /**
   * Sets the value of a key. Writes to other keys at the same time are not affected. If the store does not answer, the write is
   * repeated for 5 s, and made once.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `DATA_TOO_LARGE` (option `maxDataBytes`, or 256 keys),
   * `INVALID_ARGUMENT` (the key, or a value that is no plain JSON)
   */
  set<Key extends SessionDataKey>(
    session: SessionRef,
    key: Key,
    value: SessionDataTypes[Key],
  ): Promise<void> {
    return this.values.viewOf(session).set(key, value);
  }

  /**
   * Replaces the value by what `change` makes of it (`undefined` if there is none), and answers that. If others change it
   * meanwhile, `change` is called again with their value, at most ten times: no change is lost, and none is made twice.
   * @throws SessionsError as `set`, and `DATA_BUSY`
   */
  update<Key extends SessionDataKey>(
    session: SessionRef,
    key: Key,
    change: (value: SessionDataTypes[Key] | undefined) => SessionDataTypes[Key],
  ): Promise<SessionDataTypes[Key]> {
    return this.values.viewOf(session).update(key, change);
  }

  /**
   * Removes a value and answers it, `undefined` for none: of several at once, one gets it.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `DATA_BUSY`, `INVALID_ARGUMENT` (the key)
   */
  take<Key extends SessionDataKey>(
    session: SessionRef,
    key: Key,
  ): Promise<SessionDataTypes[Key] | undefined> {
    return this.values.viewOf(session).take(key);
  }

  /** @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `INVALID_ARGUMENT` (the key) */
  remove(session: SessionRef, key: SessionDataKey): Promise<void> {
    return this.values.viewOf(session).remove(key);
  }
}
