import type { Operator } from './actor.js';

/** What an operator did, or tried to do. */
export interface AuditEntry {
  readonly at: number;
  readonly by: Operator;
  readonly deed: AuditDeed;
  /**
   * The id of a session or node. Of `end-many`, by what they were chosen: `ids`, or the names of the filter's terms
   * (`user_id,idle_over`). `null` for all, and for a user: whoever is forgotten has no name here.
   */
  readonly subject: string | null;
  readonly outcome: AuditOutcome;
  /** Sessions that it ended, resources that it released, their bytes: as far as known when it was written. */
  readonly sessions: number;
  readonly resources: number;
  readonly bytes: number;
}

/**
 * `end`: a session; `end-many`: several at once, each of which has an `end` too; `cleanup`: a run of all jobs; `forget-user`,
 * `forget-node`, `trust-clock`: as the commands are called; `repair`: by the doctor.
 */
export const AUDIT_DEEDS = [
  'end',
  'end-many',
  'cleanup',
  'forget-user',
  'forget-node',
  'trust-clock',
  'repair',
] as const;
export type AuditDeed = (typeof AUDIT_DEEDS)[number];

/** `nothing`: there was nothing to do it to; `failed`: it was not done, or not wholly; `refused`: the token may only look. */
export type AuditOutcome = 'done' | 'nothing' | 'failed' | 'refused';

/** Wrong admin tokens of one network in one minute. */
export interface WrongTokens {
  /** The beginning of the minute. */
  readonly minuteAt: number;
  /** An IPv4 address or an IPv6 /56. */
  readonly network: string;
  readonly count: number;
}

/** Entries of wrong tokens that are kept: the latest. */
export const MOST_WRONG_TOKENS = 1000;

/** How long the audit is kept: 90 days. */
export const AUDIT_MS = 90 * 24 * 3_600_000;
export const AUDIT_MAX_BYTES = 16 * 1024 * 1024;
