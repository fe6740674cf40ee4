import type { Authority, EndReason, SessionRecord } from '../domain/session.js';

/** Every process polls it for the sessions that other processes changed. */
export abstract class FeedGroup {
  /**
   * Sessions that were opened, ended, or got a new token (login, regenerate) or learnt an address after `position`, each once and in its latest
   * state. `null` starts at now, without changes.
   */
  abstract read(position: FeedPosition | null, limit: number): Promise<Feed>;
}

/** A reader's position in the feed. Opaque: only its store can interpret it. */
export type FeedPosition = string;

export interface SessionChange {
  readonly id: string;
  readonly state: SessionRecord['state'];
  readonly endReason: EndReason | null;
  /** Of its current token. */
  readonly authority: Authority;
  /** The replaced authorities that may still act. */
  readonly keptAuthorities: readonly Authority[];
  readonly userId: string | null;
  /** See `SessionRecord.otherAddress`. */
  readonly otherAddress: string | null;
  /** While the session is `ending`: the nodes that still have files of it, sorted by id. */
  readonly nodes: readonly string[];
}

export interface Feed {
  readonly changes: readonly SessionChange[];
  readonly position: FeedPosition;
  /** Whether the limit cut the changes off: read on at once. */
  readonly more: boolean;
  /**
   * Whether the store lost history after `position`: changes already read may be undone, and others may be missing.
   * Readers drop every session that they cache.
   */
  readonly reset?: boolean;
}
