import type { PendingFiles } from '../../core/endings/peer-wait.js';
import type { ErrorCode } from '../../domain/errors.js';
import type { SessionFilter } from '../../domain/listing/session-filter.js';

/** Sessions that one bulk deed may name or match. More are refused, and nothing is ended. */
export const MOST_IN_BULK = 10_000;

/** Failures that a report lists. */
export const MOST_FAILURES = 1000;

/**
 * Which sessions: all live ones that match, those with these ids, or of these ids those that still match: what a dry run listed, and
 * nothing that came to match since.
 */
export type BulkTarget =
  { readonly filter: SessionFilter; readonly ids?: readonly string[] } | { readonly ids: readonly string[] };

export interface BulkOptions {
  /** Only sessions that were opened until this instant: `asOf` of the dry run. Default, and latest: now. Ids are not bounded. */
  readonly asOf?: number | undefined;
  /** Stops a run: ends under way are finished, and no more begun. */
  readonly signal?: AbortSignal | undefined;
  /** After each session of a run: how many are dealt with, of how many. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** A session that was not ended, or not wholly. */
export interface BulkFailure {
  readonly sessionId: string;
  /** `SESSION_GONE`: no live session has this id; only of a target of ids. */
  readonly code: ErrorCode;
}

/** What a bulk deed matched and did. */
export interface BulkReport {
  /** Live sessions that matched when the deed began; of ids, those that name a live session. */
  readonly matched: number;
  /** Of a dry run, the ids of these; else empty. */
  readonly sessionIds: readonly string[];
  /** Those that it ended; 0 of a dry run. What was over, or matched no longer, when its turn came is neither here nor in `failed`. */
  readonly cleaned: number;
  /** `MOST_FAILURES` at most. */
  readonly failed: readonly BulkFailure[];
  /** All failures, also those that are not listed. */
  readonly failures: number;
  /** What the ended sessions held; of a dry run, what the matching ones hold. */
  readonly resources: number;
  readonly bytes: number;
  readonly asOf: number;
  /** Files on nodes that are away or late, which delete them later; `null` for none. */
  readonly pending: PendingFiles | null;
  /** Whether the run stopped before it had tried every session: by its signal, or after `MOST_FAILURES` ends that failed. */
  readonly isStopped: boolean;
}
