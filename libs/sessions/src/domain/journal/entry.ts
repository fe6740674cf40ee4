import type { Quota } from '../budgets.js';
import type { ResourceRefusalReason, TransferKind, TransferOutcome } from '../events.js';
import type { EndReason } from '../session.js';
import type { Actor } from './actor.js';

/**
 * What a timeline tells of one session. Instants are epoch milliseconds, sizes bytes. No entry holds a token, a cookie, a name of
 * a file, an address or a user's id, but for what an application writes into its paths: see `journalPaths`.
 */
export type JournalEntry = Entry & { readonly at: number };

type Entry = MarkEntry | DeedEntry | RequestEntry | PlacedEntry | TransferEntry;

/** What must be true: written in the same step as the deed, and kept as long as the timeline. */
export type MarkEntry =
  | { readonly kind: 'opened'; readonly by: Actor }
  /** `userHash`: the keyed hash of the user's id. */
  | { readonly kind: 'login'; readonly by: Actor; readonly userHash: string }
  | { readonly kind: 'regenerated'; readonly by: Actor }
  /** With what it held when it ended: resources and bytes in place; and its requests, but for those of its last second in other processes. */
  | {
      readonly kind: 'ended';
      readonly by: Actor;
      readonly reason: EndReason;
      readonly durationMs: number;
      readonly requests: number;
      readonly resources: number;
      readonly bytes: number;
    };

/** The latest `MOST_DEEDS` of a session are kept. `evicted` is written in the same step as the deed; the others may be lost by a crash. */
export type DeedEntry =
  | {
      readonly kind: 'evicted';
      readonly by: Actor;
      readonly resourceId: string;
      readonly type: string;
      readonly sizeBytes: number;
    }
  /** A file or stream was refused. */
  | {
      readonly kind: 'refused';
      readonly reason: ResourceRefusalReason;
      readonly sizeBytes: number | null;
      readonly limitBytes: number | null;
      readonly quota: Quota | null;
    }
  /** Somebody presented the token from another address or with another agent. */
  | { readonly kind: 'mismatch'; readonly property: 'address' | 'agent' };

/** The latest `MOST_REQUESTS` of a session are kept. A crash may lose those of its last second. */
export interface RequestEntry {
  readonly kind: 'request';
  readonly method: string;
  /** The pattern of the route: `/files/:id`; `null` if no route matched. */
  readonly route: string | null;
  /** Path and query, whole, if the option `journalPaths` allows it for all that is in them; else `null`. A replay needs it. */
  readonly path: string | null;
  /** Where `path` is `null`: values of the parameters that the option names, as a query has them: `roomId=42&page=2`. */
  readonly params?: string | undefined;
  /** `null` if the client went away before the response was complete. */
  readonly status: number | null;
  readonly durationMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Media types of the bodies, without parameters; `null` for none. */
  readonly requestType: string | null;
  readonly responseType: string | null;
}

/** A file took its place, or a stream began. Kept as requests are. */
export interface PlacedEntry {
  readonly kind: 'placed';
  readonly resourceId: string;
  readonly type: string;
  readonly sizeBytes: number;
}

/** A file came in or went out, or a stream is over; `at` is its beginning. Kept as requests are. */
export interface TransferEntry {
  readonly kind: TransferKind;
  readonly resourceId: string;
  /** Of an upload what arrived, of a download what was sent, of a stream both; `null` if nobody counts them. */
  readonly bytes: number | null;
  readonly durationMs: number;
  readonly outcome: TransferOutcome;
}

export type EndedEntry = Extract<JournalEntry, { readonly kind: 'ended' }>;

export type JournalKind = JournalEntry['kind'];

/** How long an entry is kept: see `MarkEntry`, `DeedEntry`, `RequestEntry`. */
export type EntryClass = 'mark' | 'deed' | 'request';

const CLASSES: Readonly<Record<JournalKind, EntryClass>> = {
  opened: 'mark',
  login: 'mark',
  regenerated: 'mark',
  ended: 'mark',
  evicted: 'deed',
  refused: 'deed',
  mismatch: 'deed',
  request: 'request',
  placed: 'request',
  upload: 'request',
  download: 'request',
  stream: 'request',
};

export function classOf({ kind }: Pick<JournalEntry, 'kind'>): EntryClass {
  return CLASSES[kind];
}

/**
 * Marks of one session that are kept: the first, which is its opening, and the latest. A client that asks for new tokens without end
 * cannot push out the timelines of others.
 */
export const MOST_MARKS = 1000;
export const MOST_DEEDS = 100;
export const MOST_REQUESTS = 400;

/** What an entry counts for in `journalMaxBytes`, beyond its text: the row and its place in the indexes, roughly. */
export const ENTRY_OVERHEAD_BYTES = 48;
