import type { AuditEntry, WrongTokens } from '../../domain/journal/audit-entry.js';

/** What operators did. Nothing that a visitor does is written here, but wrong admin tokens, which have a bound of their own. */
export abstract class AuditGroup {
  /**
   * Adds an entry. The end of a session by an operator needs none: `endings.beginEnd` enters it in its own step. Drops the oldest
   * beyond `AUDIT_MAX_BYTES`. A repeat adds again.
   */
  abstract append(entry: AuditEntry): Promise<void>;

  /** At most `limit` entries, the latest first: those at or after `from` and before `to`, from `after` on. */
  abstract read(query: AuditQuery): Promise<AuditPage>;

  /** Counts a wrong admin token of a network in its minute. Keeps the latest `MOST_WRONG_TOKENS` entries. */
  abstract countWrongToken(network: string, at: number): Promise<void>;

  /** The wrong tokens, latest minute first, then by network. */
  abstract listWrongTokens(): Promise<WrongTokens[]>;

  /** Drops entries and wrong tokens from before this instant; answers how many. */
  abstract prune(before: number): Promise<number>;
}

export interface AuditQuery {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly after?: AuditPosition | null;
}

/** A reader's position in the audit. Opaque text of visible ASCII: only its store can interpret it. */
export type AuditPosition = string;

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Where the next page begins; `null` if this is the last. */
  readonly next: AuditPosition | null;
}
