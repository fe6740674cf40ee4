import type { Authority, SessionRecord } from '../domain/session.js';
import type { Refused } from './sessions.js';

/** Keeps the data of sessions: values of the application by key, as texts that a store neither reads nor changes. */
export abstract class DataGroup {
  /** All data of an open session, with the session as it is at that moment; `null` if it is not open. */
  abstract read(sessionId: string, authority: Authority | null): Promise<DataRead | 'stale' | null>;

  /**
   * Makes all changes, or none: `changed` if a key does not have its expected value. Data counts with the UTF-8 bytes of its keys and
   * values; `too_large` or `too_many` if it grew past a limit. A repeat with the same `operation` answers `done` and changes nothing,
   * until `MOST_OPERATIONS` other writes of the session were done.
   */
  abstract write(
    sessionId: string,
    authority: Authority | null,
    write: DataWrite,
  ): Promise<'done' | 'changed' | 'too_large' | 'too_many' | Refused>;
}

/** Writes that a session remembers, so that their repeats are recognized. */
export const MOST_OPERATIONS = 128;

/** Characters of the id of a write: random, of base64url. */
export const OPERATION_LENGTH = 16;

export interface DataValue {
  readonly key: string;
  readonly json: string;
}

export interface DataRead {
  readonly session: SessionRecord;
  /** In no order. */
  readonly values: readonly DataValue[];
}

export interface DataWrite {
  /** A new random id of `OPERATION_LENGTH` characters; the same for a repeat. */
  readonly operation: string;
  /** Each key, of one character or more, at most once. */
  readonly changes: readonly DataChange[];
  readonly limits: DataLimits;
}

export interface DataChange {
  readonly key: string;
  /** The new value, of one character or more; `null` removes the key. */
  readonly json: string | null;
  /** The value that the key must have, `null`: none. Absent: any. */
  readonly expected?: string | null;
}

export interface DataLimits {
  readonly maxBytes: number;
  readonly maxKeys: number;
}
