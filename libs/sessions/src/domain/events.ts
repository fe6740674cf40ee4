import type { Quota } from './budgets.js';
import type { EndReason } from './session.js';

/** The events that an application can subscribe to, with their data. Instants are epoch milliseconds, sizes bytes. */
export interface SessionEvents {
  'session.opened': { readonly sessionId: string; readonly at: number };
  'session.login': { readonly sessionId: string; readonly userId: string };
  'session.regenerated': { readonly sessionId: string };
  /**
   * Emitted once, in the process that ended the session, as soon as it is over for all processes: for side effects. A crash
   * of that process may lose it.
   */
  'session.ended': {
    readonly sessionId: string;
    readonly userId: string | null;
    readonly reason: EndReason;
    readonly durationMs: number;
  };
  /**
   * Emitted in every process of the store, also in the one that ended the session, within a second of the end: to free what a
   * process keeps of the session. Listeners must accept a repeat, and ends of sessions that they never met. Ends from before
   * the process started are not emitted. If the store lost the history of ends (a failover or restart of Redis), each process
   * asks for the sessions that it served lately or has connections of, and emits the event for those that are over or lost; of
   * a lost one the reason is `ended`.
   */
  'session.over': {
    readonly sessionId: string;
    /** `null` if the session has none, or this process does not know it. */
    readonly userId: string | null;
    readonly reason: EndReason;
  };
  /** The session has learnt its client's address of the other family. Emitted once, in the process that learnt it. */
  'session.address-learnt': { readonly sessionId: string; readonly family: 4 | 6 };
  'session.mismatch': { readonly sessionId: string; readonly property: 'address' | 'agent' };
  'session.refused': { readonly reason: RefusalReason };
  'resource.ready': ResourceEvent;
  'resource.evicted': ResourceEvent;
  'resource.released': ResourceEvent;
  'resource.refused': {
    /** `null` if it was refused before it had a session. */
    readonly sessionId: string | null;
    readonly reason: ResourceRefusalReason;
    /** What was announced, or had arrived; `null` if it is not known, and for streams. */
    readonly sizeBytes: number | null;
    /** How large it may be, if it is too large. */
    readonly limitBytes: number | null;
    /** The option whose limit is reached, if it is a quota. */
    readonly quota?: Quota;
    /** The network of the client, as far as the request told it: an IPv4 address or an IPv6 /56. */
    readonly network: string | null;
  };
  /**
   * Bytes of an upload have arrived: at most every 250 ms for one request, and once when its body is complete. A file that is
   * not complete has no place yet, and is gone if the request fails.
   */
  'upload.progress': {
    readonly sessionId: string;
    /** The file that is coming in. */
    readonly resourceId: string;
    /** Bytes of the request's body so far: all files, and for a form what is between them. */
    readonly receivedBytes: number;
    /** The length of the body, as the client declared it; `null` if it declared none. */
    readonly totalBytes: number | null;
  };
  /** A file of a request has come in, or will not. Whether it took its place, `resource.ready` tells. */
  'upload.ended': TransferEvent;
  /** A file that a handler returned has been sent, or will not be. */
  'download.ended': TransferEvent;
  /** An event stream, a WebSocket or another stream of a session is over. */
  'stream.ended': TransferEvent;
  'cleanup.finished': {
    readonly job: CleanupJob;
    readonly items: number;
    readonly failures: number;
    readonly durationMs: number;
  };
  'orphans.found': { readonly found: number; readonly deleted: number; readonly held: boolean };
  'alert.raised': { readonly alert: AlertName; readonly message: string };
  'alert.cleared': { readonly alert: AlertName };
}

export type TransferKind = 'upload' | 'download' | 'stream';

/**
 * - `complete`: all bytes of a file went through; of a stream, client or handler closed it.
 * - `aborted`: the client went away, or was too slow.
 * - `cut_off`: the session ended, its token was replaced, or the server stopped.
 * - `failed`: the file was refused, or the server had an error.
 */
export type TransferOutcome = 'complete' | 'aborted' | 'cut_off' | 'failed';

export interface TransferEvent {
  readonly sessionId: string;
  readonly resourceId: string;
  /** `null` if nobody counts them. */
  readonly bytes: number | null;
  readonly durationMs: number;
  readonly outcome: TransferOutcome;
}

export interface ResourceEvent {
  readonly sessionId: string;
  readonly resourceId: string;
  readonly type: string;
  readonly sizeBytes: number;
}

export const REFUSAL_REASONS = [
  'rate',
  'unconfirmed',
  'network_full',
  'full',
  'mismatch',
  'unknown_token',
  'ended_token',
  'replaced_token',
  'several_cookies',
  'cross_site',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export const RESOURCE_REFUSAL_REASONS = ['too_large', 'limit', 'quota', 'in_use', 'streams', 'disk'] as const;
export type ResourceRefusalReason = (typeof RESOURCE_REFUSAL_REASONS)[number];

export const CLEANUP_JOBS = ['idle', 'expired', 'orphans'] as const;
export type CleanupJob = (typeof CLEANUP_JOBS)[number];

export const ALERT_NAMES = [
  'active_sessions',
  'session_near_limit',
  'cleanup_failed',
  'orphans_found',
] as const;
export type AlertName = (typeof ALERT_NAMES)[number];

export type SessionEventName = keyof SessionEvents;
