import type { SessionRef } from './session.js';
import type { SessionDataKey, SessionDataTypes } from './session-data.js';

/** The data of one session. */
export interface SessionDataView {
  get<Key extends SessionDataKey>(key: Key): Promise<SessionDataTypes[Key] | undefined>;
  set<Key extends SessionDataKey>(key: Key, value: SessionDataTypes[Key]): Promise<void>;
  update<Key extends SessionDataKey>(
    key: Key,
    change: (value: SessionDataTypes[Key] | undefined) => SessionDataTypes[Key],
  ): Promise<SessionDataTypes[Key]>;
  take<Key extends SessionDataKey>(key: Key): Promise<SessionDataTypes[Key] | undefined>;
  remove(key: SessionDataKey): Promise<void>;
}

/** Where a `Session` reads and writes its data. */
export interface SessionDataSource {
  viewOf(session: SessionRef): SessionDataView;
}
