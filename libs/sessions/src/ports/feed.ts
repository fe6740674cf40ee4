import type { EndReason, SessionRecord } from '../domain/session.js';

/** The changes that other processes read. */
export abstract class FeedGroup {
  /**
   * What changed since `position`: opened, ended, rotated and bound sessions, each once and in its latest shape. `null`
   * starts at now, with no changes.
   */
  abstract read(position: FeedPosition | null, limit: number): Promise<Feed>;
}

/** Where a reader of the feed is. Opaque: only its store reads it. */
export type FeedPosition = string;

export interface SessionChange {
  readonly id: string;
  readonly state: SessionRecord['state'];
  readonly endReason: EndReason | null;
  readonly epoch: number;
  readonly userId: string | null;
  /** While it is `ending`: the nodes that still hold files of it, in the order of their ids. */
  readonly nodes: readonly string[];
}

export interface Feed {
  readonly changes: readonly SessionChange[];
  readonly position: FeedPosition;
  /** Whether there is more to read at once. */
  readonly more: boolean;
  /**
   * Whether history itself has changed since the position: what was told before may not have happened, and what happened
   * may not be told. Whoever remembers sessions forgets them all.
   */
  readonly reset?: boolean;
}
