import type { SessionRef } from './session.js';

/**
 * The types of the application's data, by key. Declare yours:
 *
 * ```ts
 * declare module 'nest-sessions' {
 *   interface SessionDataTypes {
 *     cart: { items: string[] };
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-interface -- applications add to it
export interface SessionDataTypes {}

/** A declared key. */
export type SessionDataKey = Extract<keyof SessionDataTypes, string>;

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
