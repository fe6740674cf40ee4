import type { SessionsOptions } from 'nest-sessions';

/** What a file server is started with. */
export interface ServerPlan {
  readonly root: string;
  /** The folder of the database; beside the files unless it is told. */
  readonly database?: string;
  /** Whether time moves only when a message says so. */
  readonly manualClock: boolean;
  readonly adminToken: string;
  readonly options: SessionsOptions;
}

export type ToServer =
  { readonly kind: 'advance'; readonly ms: number } | { readonly kind: 'cleanup'; readonly graceMs: number };

export type FromServer =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'cleaned'; readonly reports: readonly CleanupDone[] };

/** What one job of a cleanup did. */
export interface CleanupDone {
  readonly job: string;
  readonly items: number;
  readonly failures: number;
  readonly lastError: string | null;
  readonly deletedOrphans: number;
}
