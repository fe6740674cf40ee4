import type { CleanupJob } from '../domain/events.js';
import type { EndReason } from '../domain/session.js';

export interface Heartbeat {
  readonly processId: string;
  readonly role: 'server' | 'cli';
  readonly at: number;
  /** Every touch that this process took before this instant is in the store. */
  readonly flushedThroughAt: number;
  /** The UUID of the storage root that it keeps files in. */
  readonly nodeId: string;
  /** Where other nodes send clients that want a file of this one: `https://a.example.com`. `null` where nowhere. */
  readonly address: string | null;
  /** What the process has left in its storage root lately, for others to see that theirs is the same; `null` for nothing. */
  readonly sign: string | null;
}

/** A storage root, by its UUID, that processes on this store keep files in. */
export interface NodeRecord {
  readonly nodeId: string;
  /** As its servers said last; a command says none. */
  readonly address: string | null;
  /** The latest heartbeat of any of its processes. */
  readonly lastSeenAt: number;
  /** How many files it holds, whatever their state. */
  readonly resources: number;
}

export interface JobRun {
  readonly job: CleanupJob;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly items: number;
  readonly failures: number;
  /** `null` where no next one is planned: a run by hand. */
  readonly nextRunAt: number | null;
  /** What failed, in one line without secrets. */
  readonly lastError: string | null;
}

/** The latest run, and the sums of all. */
export interface JobRecord extends JobRun {
  readonly runs: number;
  readonly totalItems: number;
  readonly totalFailures: number;
  /** When a run last went through without a failure; `null` if none did. */
  readonly lastSuccessAt: number | null;
}

export interface TypeTotals {
  readonly type: string;
  /** Held now, in any state. */
  readonly active: number;
  readonly activeBytes: number;
  /** Let go, whatever the reason; evictions are counted here too. */
  readonly released: number;
  readonly releasedBytes: number;
  readonly evicted: number;
}

export interface StoreTotals {
  readonly created: number;
  readonly open: number;
  /** Over, with files still on their way out. */
  readonly ending: number;
  readonly ended: Readonly<Record<EndReason, number>>;
  /** The sum of the lives of all sessions ended so far. */
  readonly endedDurationMs: number;
  readonly types: readonly TypeTotals[];
}
