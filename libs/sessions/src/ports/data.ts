import type { Authority, SessionRecord } from '../domain/session.js';
import type { Refused } from './sessions.js';

/** Keeps the data of sessions: values of the application by key, as texts that a store neither reads nor changes. */
export abstract class DataGroup {
  /** All data of an open session, with the session as it is at that moment; `null` if it is not open. */
  abstract read(sessionId: string, authority: Authority | null): Promise<DataRead | 'stale' | null>;

  /**
   * Makes all changes, or none: `changed` if a key does not have its expected value. Data counts with the UTF-8 bytes of its keys and
   * values; `too_large` or `too_many` if it grew past a limit. A repeat of a write that was made answers `done` and changes nothing,
   * for `REPEATED_MS` at least.
   */
  abstract write(
    sessionId: string,
    authority: Authority | null,
    write: DataWrite,
  ): Promise<'done' | 'changed' | 'too_large' | 'too_many' | Refused>;
}

/** A write is recognized for this long when it is repeated, whatever was written meanwhile. Stores may forget it then. */
export const REPEATED_MS = 30_000;

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
  /** A new random id of 16 characters of base64url; the same for a repeat. */
  readonly operation: string;
  /** The first try; the same for a repeat. */
  readonly at: number;
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
