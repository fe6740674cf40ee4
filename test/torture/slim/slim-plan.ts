import type { SessionsConfig } from '#sessions/core/config/config';

/** What a load does. */
export type Action =
  | 'upload'
  | 'download'
  | 'release'
  | 'end'
  | 'regenerate'
  | 'login'
  | 'adopt'
  | 'claim'
  | 'lend'
  | 'stream'
  | 'cleanup'
  | 'open'
  | 'touch';

/** What a slim server is started with: as text in its one argument. */
export interface SlimPlan {
  readonly folder: string;
  /** Where it writes down what it is about to do, and what was acknowledged. Outlives it. */
  readonly journal: string;
  /** Time that passes for the store before the server starts. */
  readonly aheadMs: number;
  readonly seed: number;
  readonly config: SessionsConfig;
  /** What its load does more often than anything else. */
  readonly favour: Action | null;
}

/** Where a slim server kills itself. In the environment, since its threads have to know too. */
export interface CrashPlan {
  readonly point: string;
  /** At the how many-th time. */
  readonly nth: number;
  /** From when on passing the point counts. */
  readonly armed: 'boot' | 'load';
}

export const CRASH_PLAN = 'TORTURE_CRASH_PLAN';
/** Set: under load, no file is made durable. For showing that a power cut would be noticed. */
export const NO_SYNC = 'TORTURE_NO_SYNC';

/** What a slim server says to who started it. */
export type SlimMessage =
  { readonly kind: 'recovered'; readonly failures: readonly string[] } | { readonly kind: 'loading' };

export const DATABASE = 'sessions.db';
